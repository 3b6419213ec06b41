import { createRequest } from "@rehandle/driver-sdk";
import fc from "fast-check";
import { expect, test } from "vitest";
import { PendingPool, WaitingList, type PendingRequest } from "./pending-request.ts";

function contents(list: WaitingList): number[] {
  const serials: number[] = [];
  for (let at = list.first; at !== null; at = at.next) serials.push(at.serial);
  return serials;
}

test("a list in any mixture of leaving, coming and coming back is in the order of submission", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom("push", "remove", "insert"), fc.nat())), (steps) => {
      const pool = new PendingPool();
      const list = new WaitingList();
      const inside: PendingRequest[] = [];
      const outside: PendingRequest[] = [];
      for (const [step, which] of steps) {
        const from = step === "remove" ? inside : outside;
        const chosen = step === "push" ? pool.take(createRequest()) : from.splice(which % (from.length || 1), 1)[0];
        if (chosen === undefined) continue;
        if (step === "push") list.push(chosen);
        else if (step === "insert") list.insert(chosen);
        else list.remove(chosen);
        (step === "remove" ? outside : inside).push(chosen);
        inside.sort((a, b) => a.serial - b.serial);
        expect(contents(list)).toEqual(inside.map(({ serial }) => serial));
      }
    }),
  );
});

test("pooled objects are used again, clean", () => {
  const pool = new PendingPool();
  const request = createRequest();
  const pending = pool.take(request);
  expect(request.driverState).toBe(pending);
  pending.abandoned = true;
  pending.detached = true;
  pending.payloadWrite = 3;
  pending.coverage.add(0, 1);
  expect(pool.inUse).toBe(1);
  expect(pool.release(pending)).toBe(request);
  expect(request.driverState).toBeNull();
  expect(pool.inUse).toBe(0);
  const again = pool.take(createRequest());
  expect(again).toBe(pending);
  expect(again).toMatchObject({ abandoned: false, detached: false, payloadWrite: 0, error: null, serial: 1 });
  expect(again.coverage.add(0, 1)).toBe(true);
});
