import { createRequest, isBlockError } from "@rehandle/driver-sdk";
import fc from "fast-check";
import { expect, test } from "vitest";
import { chunk, dataChunk, doneChunk, errorChunk, holeChunk, simpleReply, statusChunk } from "../testing/replies.ts";
import { PendingPool, type PendingRequest } from "./pending-request.ts";
import { ReplyReader } from "./reply-reader.ts";
import { ReplyReceiver } from "./reply-receiver.ts";
import { SlotTable } from "./slot-table.ts";

const LENGTH = 4096;

/** Requests in the slots of a connection, and the reader that takes their replies. */
class Bench {
  readonly slots = new SlotTable(16);
  readonly receiver = new ReplyReceiver(this.slots, { structured: true, allocationId: 7, size: 1 << 20 });
  readonly reader = new ReplyReader(this.receiver);
  readonly pool = new PendingPool();
  readonly pendings: PendingRequest[] = [];

  add(operation: "read" | "write" | "block-status"): PendingRequest {
    const iov = operation === "read" ? [new Uint8Array(1000), new Uint8Array(LENGTH - 1000)] : [];
    const offset = this.pendings.length * LENGTH;
    const pending = this.pool.take(createRequest({ operation, offset, length: LENGTH, iov }));
    pending.offset = offset;
    pending.length = LENGTH;
    this.slots.put(pending);
    this.pendings.push(pending);
    return pending;
  }

  cookie(pending: PendingRequest): { cookieHigh: number; cookieLow: number } {
    return { cookieHigh: this.slots.cookieHigh(pending.slot), cookieLow: pending.slot };
  }

  /** What came of every request, in the order of the answers. */
  outcome(): unknown[] {
    return this.receiver.answered.map((pending) => ({
      which: this.pendings.indexOf(pending),
      error: pending.error?.message ?? null,
      data: pending.request!.iov.map((part) => Buffer.from(part).toString("hex")),
      extents: pending.request!.extents,
    }));
  }
}

/** One whole reply of some kind to one request. */
const replyKind = fc.record({
  kind: fc.constantFrom("data", "pieces", "hole", "error", "status", "simple", "unknown error"),
  seed: fc.nat(255),
  cut: fc.integer({ min: 1, max: LENGTH - 1 }),
});

function replyTo(bench: Bench, { kind, seed, cut }: { kind: string; seed: number; cut: number }): Uint8Array {
  const operation = kind === "status" ? "block-status" : kind === "simple" ? "write" : "read";
  const pending = bench.add(operation);
  const to = bench.cookie(pending);
  const data = new Uint8Array(LENGTH).fill(seed);
  const at = pending.offset;
  if (kind === "data") return dataChunk(to, at, data, 1);
  if (kind === "hole") return holeChunk(to, at, LENGTH, 1);
  if (kind === "error") return errorChunk(to, 5, "x".repeat(seed), at + cut);
  if (kind === "simple") return simpleReply(to, seed & 1 ? 28 : 0);
  if (kind === "status")
    return statusChunk(
      to,
      7,
      Array.from({ length: seed + 1 }, () => extent(cut)),
    );
  if (kind === "unknown error") return chunk(to, 1, 0x9000, Buffer.concat([errorPayload(), new Uint8Array(cut)]));
  return Buffer.concat([
    dataChunk(to, at + cut, data.subarray(cut)),
    dataChunk(to, at, data.subarray(0, cut)),
    doneChunk(to),
  ]);
}

const extent = (length: number): { length: number; hole: boolean; zero: boolean } => ({
  length,
  hole: true,
  zero: false,
});
const errorPayload = (): Uint8Array => Uint8Array.of(0, 0, 0, 5, 0, 1, 0x41);

/** Feeds a stream in the runs that the sizes say, the last size over and over; each from a buffer of its own that is spoiled afterwards. */
function feed(reader: ReplyReader, stream: Uint8Array, sizes: readonly number[]): void {
  let at = 0;
  for (let turn = 0; at < stream.length; turn += 1) {
    const size = sizes[turn % sizes.length]!;
    const run = stream.slice(at, at + size);
    reader.feed(run, run.length);
    run.fill(0xdd);
    at += size;
  }
}

test("however a stream is cut, the same comes of it", () => {
  fc.assert(
    fc.property(
      fc.array(replyKind, { minLength: 1, maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 12 }),
      (kinds, sizes) => {
        const whole = new Bench();
        const cut = new Bench();
        const stream = Buffer.concat(kinds.map((kind) => replyTo(whole, kind)));
        for (const kind of kinds) replyTo(cut, kind);
        whole.reader.feed(stream, stream.length);
        feed(cut.reader, stream, sizes);
        expect(whole.receiver.answered).toHaveLength(kinds.length);
        expect(cut.outcome()).toEqual(whole.outcome());
        expect(cut.slots.used).toBe(0);
      },
    ),
  );
});

test("whatever a hostile server says, only protocol errors come of it", () => {
  fc.assert(
    fc.property(
      fc.array(replyKind, { minLength: 1, maxLength: 6 }),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 5 }),
      (kinds, damages, sizes) => {
        const bench = new Bench();
        const stream = Buffer.concat(kinds.map((kind) => replyTo(bench, kind)));
        for (const [at, value] of damages) stream[at % stream.length] = value;
        try {
          feed(bench.reader, stream, sizes);
        } catch (error) {
          if (!isBlockError(error) || error.code !== "EPROTO") throw error;
        }
        expect(bench.receiver.answered.length).toBeLessThanOrEqual(kinds.length);
      },
    ),
    { numRuns: 500 },
  );
});

test("nothing is looked at after a stop, not even the rest of the same run", () => {
  const bench = new Bench();
  const first = simpleReply(bench.cookie(bench.add("write")));
  const second = simpleReply(bench.cookie(bench.add("write")));
  bench.reader.feed(first, 10);
  bench.reader.stop();
  const rest = Buffer.concat([first.subarray(10), second]);
  bench.reader.feed(rest, rest.length);
  expect(bench.receiver.answered).toEqual([]);
});

test("data of a request whose buffers were taken back is thrown away", () => {
  const bench = new Bench();
  const [streamed, hole, status] = [bench.add("read"), bench.add("read"), bench.add("block-status")];
  for (const pending of [streamed, hole, status]) pending.detached = true;
  for (const part of [...streamed.request!.iov, ...hole.request!.iov]) part.fill(0xee);
  const stream = Buffer.concat([
    dataChunk(bench.cookie(streamed), streamed.offset, new Uint8Array(LENGTH).fill(1), 1),
    holeChunk(bench.cookie(hole), hole.offset, LENGTH, 1),
    statusChunk(bench.cookie(status), 7, [extent(1)]),
  ]);
  feed(bench.reader, stream, [100]);
  expect(bench.receiver.answered).toEqual([streamed, hole, status]);
  const parts = [...streamed.request!.iov, ...hole.request!.iov];
  expect(parts.every((part) => part.every((byte) => byte === 0xee))).toBe(true);
  expect(status.request!.extents).toEqual([]);
});

test("a long block status is taken in pieces and costs nothing afterwards", () => {
  const bench = new Bench();
  const pending = bench.add("block-status");
  const stream = statusChunk(
    bench.cookie(pending),
    7,
    Array.from({ length: 50_000 }, () => extent(1)),
  );
  feed(bench.reader, stream, [4096]);
  expect(pending.error).toBeNull();
  expect(pending.request!.extents).toHaveLength(LENGTH);
});
