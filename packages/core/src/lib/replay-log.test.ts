import { createRequest } from "@rehandle/driver-sdk";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { ReplayLog } from "./replay-log.ts";

function write(offset: number, payload: Uint8Array, cut: number): ReturnType<typeof createRequest> {
  const iov = [payload.subarray(0, cut), payload.subarray(cut)];
  return createRequest({ operation: "write", offset, length: payload.length, iov });
}

describe("ReplayLog", () => {
  it("keeps every write that no flush covers, in order, with its own copy of the payload", () => {
    const step = fc.oneof(
      fc.record({ payload: fc.uint8Array({ maxLength: 300 }), cut: fc.nat(300) }),
      fc.record({ flush: fc.nat(10) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const log = new ReplayLog({ maxBytes: 800, maxCount: 1000 });
        const model: Uint8Array[] = [];
        let dropped = 0;
        for (const [at, next] of steps.entries()) {
          if ("flush" in next) {
            const position = Math.max(dropped, log.position - next.flush);
            log.trim(position);
            model.splice(0, position - dropped);
            dropped = position;
          } else {
            model.push(next.payload.slice());
            log.append(write(at, next.payload, Math.min(next.cut, next.payload.length)));
            next.payload.fill(0xee);
          }
          expect(log.count).toBe(model.length);
          expect(log.bytes).toBe(model.reduce((sum, payload) => sum + payload.length, 0));
        }
        for (const [index, payload] of model.entries()) {
          const { slab, at, length } = log.at(index);
          expect([...slab!.bytes.subarray(at, at + length)]).toEqual([...payload]);
        }
      }),
    );
  });

  it("does not use memory again while an attempt points into it", () => {
    const log = new ReplayLog({ maxBytes: 64 });
    log.append(write(0, new Uint8Array(8).fill(1), 4));
    const { slab, at } = log.at(0);
    log.pin(slab!);
    log.trim(log.position);
    for (let n = 0; n < 20; n += 1) log.append(write(0, new Uint8Array(8).fill(2), 4));
    expect(slab!.bytes[at]).toBe(1);
    log.unpin(slab!);
  });

  it("uses memory again when nothing points into it", () => {
    const log = new ReplayLog({ maxBytes: 64 });
    log.append(write(0, new Uint8Array(8), 4));
    const first = log.at(0).slab;
    log.append(write(0, new Uint8Array(8), 4));
    log.trim(log.position);
    log.append(write(0, new Uint8Array(8), 4));
    log.append(write(0, new Uint8Array(8), 4));
    expect([log.at(0).slab, log.at(1).slab]).toContain(first);
  });

  it("a trim that comes late, after a later one, drops nothing", () => {
    const log = new ReplayLog();
    log.append(write(0, new Uint8Array(8), 4));
    log.trim(1);
    log.append(write(0, new Uint8Array(8), 4));
    log.trim(1);
    expect(log.count).toBe(1);
  });
});
