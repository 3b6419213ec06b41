import fc from "fast-check";
import { expect, test } from "vitest";
import * as messages from "./messages.ts";

const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const u64 = fc.bigInt({ min: 0n, max: 0xffffffffffffffffn });
const region = fc.record({ guestAddress: u64, size: u64, userAddress: u64, mmapOffset: u64 });

/** Encodes and decodes anything, and refuses every other size of payload. */
function testRoundTrip<Value>(
  what: string,
  values: fc.Arbitrary<Value>,
  encode: (value: Value) => Uint8Array,
  decode: (payload: Uint8Array, what: string) => Value,
): void {
  const check = fc.property(values, (value) => {
    const payload = encode(value);
    expect(decode(payload, "X")).toEqual(value);
    for (const size of [payload.length + 1, payload.length - 1]) {
      const other = new Uint8Array(size);
      other.set(payload.subarray(0, size));
      expect(() => decode(other, "X")).toThrow(expect.objectContaining({ code: "EPROTO" }));
    }
  });
  test(`a payload comes back as it was, and no other size is taken: ${what}`, () => {
    expect(() => fc.assert(check)).not.toThrow();
  });
}

const address = { index: u32, flags: u32, descriptor: u64, used: u64, available: u64, log: u64 };
const inflight = { mmapSize: u64, mmapOffset: u64, numQueues: u16, queueSize: u16 };
const state = fc.record({ index: u32, num: u32 });
const table = fc.array(region, { maxLength: 7 });
testRoundTrip("u64", u64, messages.encodeU64, messages.decodeU64);
testRoundTrip("vring state", state, messages.encodeVringState, messages.decodeVringState);
testRoundTrip("vring address", fc.record(address), messages.encodeVringAddress, messages.decodeVringAddress);
testRoundTrip("memory table", table, messages.encodeMemoryTable, messages.decodeMemoryTable);
testRoundTrip("region", region, messages.encodeSingleRegion, messages.decodeSingleRegion);
testRoundTrip("log", fc.record({ size: u64, offset: u64 }), messages.encodeLog, messages.decodeLog);
testRoundTrip("inflight", fc.record(inflight), messages.encodeInflight, messages.decodeInflight);

test("configuration is carried with its size", () => {
  const access = { offset: 32, size: 1, flags: 0, bytes: Uint8Array.of(1) };
  const payload = messages.encodeConfig(access);
  expect(messages.decodeConfig(payload, "X")).toEqual(access);
  expect(() => messages.decodeConfig(payload.subarray(0, 12), "X")).toThrow("X has 12 bytes of payload, expected 13");
  const beyond = messages.encodeConfig({ offset: 250, size: 7, flags: 0, bytes: new Uint8Array(7) });
  expect(() => messages.decodeConfig(beyond, "X")).toThrow("X reaches beyond 256 bytes of configuration");
});

test("a memory table may come with room for all regions, and has no more than eight", () => {
  const full = messages.encodeMemoryTable(
    Array.from({ length: 8 }, () => ({ guestAddress: 1n, size: 2n, userAddress: 3n, mmapOffset: 4n })),
  );
  new DataView(full.buffer).setUint32(0, 2, true);
  expect(messages.decodeMemoryTable(full, "X")).toHaveLength(2);
  new DataView(full.buffer).setUint32(0, 9, true);
  expect(() => messages.decodeMemoryTable(full, "X")).toThrow("X has 9 regions, more than 8");
});

test("inflight descriptions are padded as QEMU does it, and taken without the padding, too", () => {
  const padded = messages.encodeInflight({ mmapSize: 1n, mmapOffset: 2n, numQueues: 3, queueSize: 4 });
  expect(padded).toHaveLength(24);
  expect(messages.decodeInflight(padded.subarray(0, 20), "X")).toEqual({
    mmapSize: 1n,
    mmapOffset: 2n,
    numQueues: 3,
    queueSize: 4,
  });
});

test("a header carries the version, and no other is taken", () => {
  const bytes = messages.encodeMessage(7, 8, Uint8Array.of(1, 2));
  expect(messages.decodeHeader(bytes.subarray(0, 12))).toEqual({ request: 7, flags: 9, size: 2 });
  bytes[4] = 2;
  expect(() => messages.decodeHeader(bytes.subarray(0, 12))).toThrow("message has version 2, expected 1");
});

test("random payloads are decoded or refused, nothing else", () => {
  const decoders = [
    messages.decodeU64,
    messages.decodeVringState,
    messages.decodeVringAddress,
    messages.decodeMemoryTable,
    messages.decodeSingleRegion,
    messages.decodeLog,
    messages.decodeConfig,
    messages.decodeInflight,
    messages.decodeNothing,
    messages.decodeHeader,
  ];
  const check = fc.property(fc.uint8Array({ maxLength: 300 }), fc.constantFrom(...decoders), (payload, decode) => {
    try {
      decode(payload, "X");
    } catch (error) {
      expect(error).toMatchObject({ code: "EPROTO" });
    }
  });
  fc.assert(check, { numRuns: 2000 });
});
