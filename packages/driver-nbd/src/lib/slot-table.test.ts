import { createRequest } from "@rehandle/driver-sdk";
import { expect, test } from "vitest";
import { PendingPool } from "./pending-request.ts";
import { SlotTable } from "./slot-table.ts";

test("a cookie matches while its request is in flight, and never again", () => {
  const pool = new PendingPool();
  const slots = new SlotTable(2);
  const first = pool.take(createRequest());
  const second = pool.take(createRequest());
  slots.put(first);
  slots.put(second);
  expect(slots.isFull).toBe(true);
  const high = slots.cookieHigh(first.slot);
  expect(slots.find(high, first.slot)).toBe(first);
  expect(slots.find(high + 1, first.slot)).toBeNull();
  expect(slots.find(high, 2)).toBeNull();
  expect(slots.find(high, -1)).toBeNull();
  slots.clear(first.slot);
  expect(slots.find(high, first.slot)).toBeNull();
  const third = pool.take(createRequest());
  slots.put(third);
  expect(third.slot).toBe(first.slot);
  expect(slots.find(high, third.slot)).toBeNull();
  expect(slots.find(slots.cookieHigh(third.slot), third.slot)).toBe(third);
  expect(slots.clearAll()).toEqual([second, third]);
  expect(slots.used).toBe(0);
});
