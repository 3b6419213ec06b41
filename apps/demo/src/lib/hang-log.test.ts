import { expect, test } from "vitest";

import { HangLog } from "./hang-log.ts";

test("keeps events, and tells them in words", () => {
  const told: string[] = [];
  const log = new HangLog((text) => told.push(text));
  expect(log.hanging).toBe(false);
  log.take({ event: "BLOCK_IO_HANG", data: { set: true, outage: "7" } });
  expect(log.hanging).toBe(true);
  log.take({ event: "BLOCK_IO_HANG_TIMEOUT", data: { set: true } });
  expect(log.hanging).toBe(true);
  log.take({ event: "BLOCK_IO_HANG", data: { set: false, outage: "7" } });
  expect(log.hanging).toBe(false);
  expect(log.events).toEqual([
    { event: "BLOCK_IO_HANG", set: true, outage: "7" },
    { event: "BLOCK_IO_HANG_TIMEOUT", set: true, outage: null },
    { event: "BLOCK_IO_HANG", set: false, outage: "7" },
  ]);
  expect(told).toEqual([
    "event BLOCK_IO_HANG, set: true, outage: 7",
    "event BLOCK_IO_HANG_TIMEOUT, set: true",
    "event BLOCK_IO_HANG, set: false, outage: 7",
  ]);
});
