import { createRequest } from "@rehandle/driver-sdk";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { EntryState, RequestEntry } from "./request-entry.ts";
import { RequestQueue } from "./request-queue.ts";

function entryOf(seq: number): RequestEntry {
  const entry = new RequestEntry(() => {});
  entry.admit(createRequest({ operation: "write", length: 10 }), seq, "write", true);
  return entry;
}

describe("RequestQueue", () => {
  it("keeps entries by age, whatever order they come and go in", () => {
    const steps = fc.array(fc.tuple(fc.nat(1_000), fc.boolean(), fc.nat()), { maxLength: 60 });
    fc.assert(
      fc.property(steps, (list) => {
        const queue = new RequestQueue();
        let model: RequestEntry[] = [];
        for (const [seq, removes, which] of list) {
          const entry = entryOf(seq);
          queue.insert(entry);
          model.push(entry);
          if (removes) {
            const [leaving] = model.splice(which % model.length, 1);
            queue.remove(leaving!);
          }
          model = model.toSorted((a, b) => a.seq - b.seq);
          expect(queue.snapshot().map(({ seq }) => seq)).toEqual(model.map(({ seq }) => seq));
          expect([queue.count, queue.bytes]).toEqual([model.length, model.length * 10]);
        }
      }),
    );
  });
});

describe("RequestEntry", () => {
  it("goes back to the pool as good as new", () => {
    const entry = entryOf(1);
    const fresh = entryOf(1);
    Object.assign(entry, {
      touched: true,
      troubled: true,
      stopped: true,
      abandoned: true,
      heldSince: 5,
      cycle: 3,
      attempts: 2,
    });
    Object.assign(entry, { failWhenDone: new Error("x"), lastError: new Error("y"), timeline: [] });
    entry.clear();
    entry.admit(fresh.request!, 1, "write", true);
    expect(entry).toEqual(fresh);
  });

  it("refuses to go where its table does not lead", () => {
    const entry = entryOf(7);
    expect(() => entry.moveTo(EntryState.OVERDUE)).toThrow("request 7 cannot go from idle to overdue");
  });
});
