import { createRandom } from "@rehandle/driver-sdk";
import { VirtioBlkRequestType, VirtioFeature } from "@rehandle/virtio-blk";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DEFAULT_FEATURES } from "../lib/front-end/negotiation.ts";
import type { BackEnd } from "./testing/back-end.ts";
import { Guest } from "./testing/guest.ts";
import { PEERS, type Peer } from "./testing/peers.ts";
import { verifiedLoad } from "./testing/verified-load.ts";

const { IN, OUT, GET_ID, DISCARD, WRITE_ZEROES, SECURE_ERASE, GET_LIFETIME } = VirtioBlkRequestType;
const SIZE = 16 << 20;
const CAPACITY = SIZE / 512;
const [OK, IOERR, UNSUPP] = [0, 1, 2];

/** Every form of ring that a peer has. */
const RINGS = PEERS.flatMap((peer) => [
  { peer, ring: "split", features: DEFAULT_FEATURES },
  { peer, ring: "split, direct", features: DEFAULT_FEATURES & ~VirtioFeature.INDIRECT_DESC },
  ...(peer.is.packed
    ? [
        { peer, ring: "packed", features: DEFAULT_FEATURES | VirtioFeature.RING_PACKED },
        {
          peer,
          ring: "packed, plain",
          features:
            (DEFAULT_FEATURES | VirtioFeature.RING_PACKED) & ~VirtioFeature.INDIRECT_DESC & ~VirtioFeature.EVENT_IDX,
        },
      ]
    : []),
]);

describe.each(RINGS)("$peer.name, $ring", ({ peer, features }: { peer: Peer; features: bigint }) => {
  let backEnd: BackEnd;
  let guest: Guest;

  beforeAll(async () => {
    backEnd = await peer.start({ size: SIZE });
    guest = await Guest.boot({ path: backEnd.socket, features });
  });

  afterAll(async () => {
    guest?.close();
    await backEnd?.remove();
  });

  test("verified writes and reads at depth 32 over two queues", async () => {
    const done = await verifiedLoad(guest, { random: createRandom(1), depth: 32, operations: 4000, blocks: 256 });
    expect(done.writes).toBeGreaterThan(1000);
    expect(done.reads).toBeGreaterThan(1000);
    expect(await guest.flush(0)).toBe(OK);
  });

  test("a request may be a megabyte, and in many parts", async () => {
    const parts = 64;
    const bytes = Buffer.alloc(parts * 4096, "abcdefghijklm");
    const data = Array.from({ length: parts }, (_, index) => {
      const address = guest.allocate(4096 + 512);
      guest.frontEnd.memory.bytes(address, 4096).set(bytes.subarray(index * 4096, (index + 1) * 4096));
      return { address, length: 4096 };
    });
    expect(await guest.frame(0, { type: OUT, sector: 2048, data })).toMatchObject({ status: OK });
    expect(Buffer.from(await guest.read(1, 2048, bytes.length)).equals(bytes)).toBe(true);
  });

  test.each([
    ["a descriptor for every byte of the header", [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 512, 1]],
    ["header and data in one buffer", [16 + 1024, 1]],
    ["header cut in the middle", [7, 600, 10_000]],
    ["all data cut in odd parts", [16, 3, 100, 1]],
    ["as usual", [16, 1024, 1]],
  ])("framing is free: %s", async (_, cuts) => {
    const bytes = new Uint8Array(1024).map((_, index) => index * 31);
    const area = guest.allocate(16 + 1024 + 1);
    const [data, status] = [area + 16, area + 16 + 1024];
    guest.frontEnd.memory.bytes(data, 1024).set(bytes);
    const layout = { header: area, data: [{ address: data, length: 1024 }], status, sector: 100, cuts };
    expect(await guest.frame(0, { ...layout, type: OUT })).toEqual({ status: OK, written: 1 });
    guest.frontEnd.memory.bytes(data, 1024).fill(0);
    expect(await guest.frame(1, { ...layout, type: IN })).toEqual({ status: OK, written: 1025 });
    expect(guest.frontEnd.memory.bytes(data, 1024)).toEqual(bytes);
  });

  test("FLUSH completes after what it covers", async () => {
    const address = guest.allocate(4096);
    const order: string[] = [];
    const write = guest.send(0, OUT, 0, address, 4096).then(() => order.push("write"));
    await write;
    order.push(`flush ${await guest.flush(0)}`);
    expect(order).toEqual(["write", "flush 0"]);
  });

  test("GET_ID answers 20 bytes", async () => {
    const address = guest.allocate(20);
    const { status, written } = await guest.send(0, GET_ID, 0, address, 20);
    expect({ status, written }).toEqual({ status: OK, written: 21 });
    const text = Buffer.from(guest.frontEnd.memory.bytes(address, 20)).toString();
    expect(text.replace(/\0+$/, "")).toBe(peer.is.serial);
  });

  test("a discarded range can be written and read again", async () => {
    await guest.write(0, 4096, new Uint8Array(8192).fill(3));
    expect(await guest.ranges(0, DISCARD, [{ sector: 4096, sectors: 8 }])).toBe(OK);
    expect((await guest.read(0, 4104, 4096)).every((byte) => byte === 3)).toBe(true);
    expect(await guest.write(0, 4096, new Uint8Array(4096).fill(4))).toBe(OK);
    expect((await guest.read(1, 4096, 4096)).every((byte) => byte === 4)).toBe(true);
  });

  test.each([0, 1])("WRITE_ZEROES makes zeroes, with unmap = %d", async (flags) => {
    await guest.write(0, 512, new Uint8Array(16384).fill(5));
    expect(await guest.ranges(1, WRITE_ZEROES, [{ sector: 520, sectors: 8, flags }])).toBe(OK);
    const bytes = await guest.read(0, 512, 16384);
    expect(bytes.subarray(0, 4096).every((byte) => byte === 5)).toBe(true);
    expect(bytes.subarray(4096, 8192).every((byte) => byte === 0)).toBe(true);
    expect(bytes.subarray(8192).every((byte) => byte === 5)).toBe(true);
  });

  test.each([
    ["a read beyond the end", IN, CAPACITY, 512],
    ["a read across the end", IN, CAPACITY - 1, 1024],
    ["a write beyond the end", OUT, CAPACITY, 512],
    ["a write across the end", OUT, CAPACITY - 1, 1024],
    ["a sector that overflows", IN, 2 ** 53 - 1, 512],
    ["a length that is no sector", IN, 0, 513],
    ["a short write", OUT, 0, 100],
  ])("%s is an I/O error", async (_, type, sector, length) => {
    const { status, written } = await guest.frame(0, {
      type,
      sector,
      data: [{ address: guest.allocate(length), length }],
    });
    expect(status).toBe(IOERR);
    if (peer.is.usedLengthExact) expect(written).toBeLessThanOrEqual(1);
    expect(await guest.write(0, CAPACITY - 1, new Uint8Array(512).fill(6))).toBe(OK);
  });

  test("a sector of more than 32 bits is beyond the end, too", async () => {
    for (const sector of [2 ** 32, 2 ** 40, 2 ** 52]) {
      expect(await guest.send(0, IN, sector, guest.allocate(512), 512)).toMatchObject({ status: IOERR });
    }
  });

  test.each([
    ["DISCARD beyond the end", DISCARD, { sector: CAPACITY, sectors: 1 }, IOERR],
    ["DISCARD across the end", DISCARD, { sector: CAPACITY - 8, sectors: 16 }, IOERR],
    ["DISCARD with unmap", DISCARD, { sector: 0, sectors: 8, flags: 1 }, UNSUPP],
    ["WRITE_ZEROES beyond the end", WRITE_ZEROES, { sector: CAPACITY, sectors: 1 }, IOERR],
    ["WRITE_ZEROES with an unknown flag", WRITE_ZEROES, { sector: 0, sectors: 8, flags: 2 }, UNSUPP],
    ["WRITE_ZEROES of an overflow", WRITE_ZEROES, { sector: 2n ** 64n - 1n, sectors: 8 }, IOERR],
  ])("%s is refused", async (_, type, record, expected) => {
    expect(await guest.ranges(0, type, [record])).toBe(expected);
  });

  test("unknown types are unsupported", async () => {
    for (const type of [2, 3, GET_LIFETIME, SECURE_ERASE, 15, 16, 999, 0xffffffff]) {
      const data = [{ address: guest.allocate(512), length: 512 }];
      expect(await guest.frame(0, { type, data, dataWritable: false }), `type ${type}`).toMatchObject({
        status: UNSUPP,
      });
    }
    expect(await guest.flush(1)).toBe(OK);
  });
});
