import { VirtioBlkFeature, VirtioFeature } from "@rehandle/virtio-blk";
import { afterEach, describe, expect, test } from "vitest";
import { connectVhostUser } from "../lib/front-end/connect-vhost-user.ts";
import type { VhostUserFrontEnd } from "../lib/front-end/front-end.ts";
import { DEFAULT_FEATURES, DEFAULT_PROTOCOL_FEATURES } from "../lib/front-end/negotiation.ts";
import { ProtocolFeature } from "../lib/message-numbers.ts";
import type { BackEnd, BackEndOptions } from "./testing/back-end.ts";
import { Guest } from "./testing/guest.ts";
import { PEERS } from "./testing/peers.ts";
import { until } from "./testing/until.ts";

const without = (...bits: number[]): bigint =>
  bits.reduce((all, bit) => all & ~(1n << BigInt(bit)), DEFAULT_PROTOCOL_FEATURES);

describe.each(PEERS)("$name", ({ start, is }) => {
  let backEnd: BackEnd;
  const open: { close(): void }[] = [];

  async function serve(options: BackEndOptions = {}): Promise<void> {
    backEnd = await start(options);
  }

  async function connect(options: Partial<Parameters<typeof connectVhostUser>[0]> = {}): Promise<VhostUserFrontEnd> {
    const frontEnd = await connectVhostUser({ path: backEnd.socket, ...options });
    open.push(frontEnd);
    return frontEnd;
  }

  async function boot(options: Partial<Parameters<typeof connectVhostUser>[0]> = {}): Promise<Guest> {
    const guest = await Guest.boot({ path: backEnd.socket, ...options });
    open.push(guest);
    return guest;
  }

  async function writesAndReads(guest: Guest): Promise<void> {
    for (const queue of guest.queues.keys()) {
      const bytes = new Uint8Array(8192).map((_, index) => index * 7 + queue);
      expect(await guest.write(queue, 64, bytes)).toBe(0);
      expect(Buffer.from(await guest.read(queue, 64, 8192)).equals(bytes)).toBe(true);
    }
  }

  afterEach(async () => {
    for (const one of open.splice(0)) one.close();
    await backEnd.remove();
  });

  test("offers what a block device needs, and nothing legacy is taken", async () => {
    await serve();
    const { negotiated, state } = await connect();
    const { features, protocolFeatures } = negotiated;
    const needed = VirtioBlkFeature.FLUSH | VirtioBlkFeature.BLK_SIZE | VirtioBlkFeature.MQ | VirtioBlkFeature.SEG_MAX;
    const ring = VirtioFeature.VERSION_1 | VirtioFeature.EVENT_IDX | VirtioFeature.INDIRECT_DESC;
    const ranges = VirtioBlkFeature.DISCARD | VirtioBlkFeature.WRITE_ZEROES;
    expect(features & (needed | ring | ranges)).toBe(needed | ring | ranges);
    expect(features & VirtioBlkFeature.RO).toBe(0n);
    expect(features & ~negotiated.offeredFeatures).toBe(0n);
    for (const bit of ["MQ", "CONFIG", "REPLY_ACK", "BACKEND_REQ", "CONFIGURE_MEM_SLOTS", "LOG_SHMFD"] as const) {
      expect((protocolFeatures >> BigInt(ProtocolFeature[bit])) & 1n, bit).toBe(1n);
    }
    expect((protocolFeatures >> BigInt(ProtocolFeature.INFLIGHT_SHMFD)) & 1n).toBe(is.inflight ? 1n : 0n);
    expect((protocolFeatures >> BigInt(ProtocolFeature.RESET_DEVICE)) & 1n).toBe(is.resetDevice ? 1n : 0n);
    expect(negotiated.maxQueues).toBeGreaterThanOrEqual(2);
    expect(negotiated.maxMemorySlots).toBeGreaterThanOrEqual(8);
    expect(state).toBe("negotiated");
  });

  test("has a configuration space that fits the disk", async () => {
    await serve({ size: 5 << 20, numQueues: 3 });
    const { config } = await connect();
    expect(config).toMatchObject({ capacity: (5 << 20) / 512, blkSize: 512, numQueues: 3 });
    expect(config.segMax).toBeGreaterThan(0);
    expect(config.discard!.maxSectors).toBeGreaterThan(0);
    expect(config.discard!.maxSegments).toBeGreaterThan(0);
    expect(config.writeZeroes!.maxSectors).toBeGreaterThan(0);
    expect(config.writeback).not.toBeNull();
  });

  test("gives any part of configuration space", async () => {
    await serve();
    const { connection } = await connect();
    const all = await connection.readConfigBytes(0, 57);
    for (const [offset, length] of [
      [0, 8],
      [20, 4],
      [34, 2],
      [56, 1],
    ] as const) {
      if (!is.configOffset && offset !== 0) continue;
      expect(await connection.readConfigBytes(offset, length)).toEqual(all.slice(offset, offset + length));
    }
  });

  test("the driver may change writeback, and nothing else", async () => {
    await serve();
    const guest = await boot();
    for (const writeback of [true, false, true]) {
      await guest.frontEnd.setWriteback(writeback);
      expect(guest.frontEnd.config.writeback).toBe(writeback);
    }
    await writesAndReads(guest);
  });

  test("a read-only export says so, and refuses every change", async () => {
    await serve({ writable: false });
    const guest = await boot();
    expect(guest.frontEnd.negotiated.features & VirtioBlkFeature.RO).toBe(VirtioBlkFeature.RO);
    expect(await guest.write(0, 0, new Uint8Array(512).fill(1))).toBe(1);
    expect(await guest.read(0, 0, 512)).toEqual(new Uint8Array(512));
  });

  test("a resize is heard, and the new end can be used", async () => {
    await serve();
    const guest = await boot();
    const before = guest.frontEnd.config.capacity;
    const bytes = new Uint8Array(512).fill(9);
    expect(await guest.write(0, before, bytes)).toBe(1);
    await backEnd.resize(before * 512 + (1 << 20));
    if (is.resizeHeard) {
      await until("the front end hears of it", () => guest.events.length > 0);
      expect(guest.frontEnd.config.capacity).toBe(before + 2048);
      expect(guest.events).toMatchObject([{ type: "config-changed", config: { capacity: before + 2048 } }]);
    }
    expect(await guest.write(1, before, bytes)).toBe(0);
    expect(await guest.read(0, before, 512)).toEqual(bytes);
  });

  describe("works whatever is negotiated:", () => {
    const { EVENT_IDX, INDIRECT_DESC } = VirtioFeature;
    test.each([
      ["no EVENT_IDX", { features: DEFAULT_FEATURES & ~EVENT_IDX }],
      ["no INDIRECT_DESC", { features: DEFAULT_FEATURES & ~INDIRECT_DESC }],
      ["neither", { features: DEFAULT_FEATURES & ~EVENT_IDX & ~INDIRECT_DESC }],
      ["no REPLY_ACK", { protocolFeatures: without(ProtocolFeature.REPLY_ACK) }],
      ["SET_MEM_TABLE", { protocolFeatures: without(ProtocolFeature.CONFIGURE_MEM_SLOTS) }],
      ["no way back", { protocolFeatures: without(ProtocolFeature.BACKEND_REQ) }],
      ["no INFLIGHT_SHMFD", { protocolFeatures: without(ProtocolFeature.INFLIGHT_SHMFD) }],
      ["one queue", { numQueues: 1 }],
      ["queues of 4", { queueSize: 4 }],
      ["queues of 1024", { queueSize: 1024 }],
      [
        "two regions that touch and one far away",
        {
          memory: [
            { guestAddress: 0, size: 2 << 20 },
            { guestAddress: 2 << 20, size: 2 << 20 },
            { guestAddress: 2 ** 40, size: 2 << 20 },
          ],
        },
      ],
      [
        "the same with SET_MEM_TABLE",
        {
          protocolFeatures: without(ProtocolFeature.CONFIGURE_MEM_SLOTS),
          memory: [
            { guestAddress: 2 ** 40, size: 2 << 20 },
            { guestAddress: 0, size: 2 << 20 },
          ],
        },
      ],
    ])("%s", async (_, options) => {
      await serve();
      const guest = await boot(options);
      await writesAndReads(guest);
      expect(guest.frontEnd.state).toBe("started");
    });
  });

  test("more queues than there are is an error", async () => {
    await serve({ numQueues: 2 });
    await expect(connect({ numQueues: 200 })).rejects.toMatchObject({ code: "EINVAL" });
    await writesAndReads(await boot());
  });

  test("memory comes and goes while the device runs", async () => {
    await serve();
    const guest = await boot();
    const guestAddress = 2 ** 33;
    await guest.frontEnd.addMemory({ guestAddress, size: 1 << 20 });
    const bytes = Buffer.alloc(4096, "far");
    guest.frontEnd.memory.bytes(guestAddress, 4096).set(bytes);
    expect(await guest.send(0, 1, 0, guestAddress, 4096)).toMatchObject({ status: 0 });
    expect(Buffer.from(await guest.read(1, 0, 4096)).equals(bytes)).toBe(true);
    await guest.frontEnd.removeMemory(guestAddress);
    await writesAndReads(guest);
  });
});

test("nobody listens: the error says so", async () => {
  await expect(connectVhostUser({ path: "/nonexistent/vhost.sock" })).rejects.toMatchObject({ code: "ENOENT" });
});
