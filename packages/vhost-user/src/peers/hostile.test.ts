import { connect as connectSocket } from "node:net";
import { createRandom, type Random } from "@rehandle/driver-sdk";
import { VirtioBlkRequestType, VirtioFeature } from "@rehandle/virtio-blk";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DEFAULT_FEATURES } from "../lib/front-end/negotiation.ts";
import { loadSystemCalls, Seal } from "../lib/system-calls.ts";
import type { BackEnd } from "./testing/back-end.ts";
import { Guest } from "./testing/guest.ts";
import { startOwnBackEnd } from "./testing/own-back-end.ts";
import { until, within } from "./testing/until.ts";

const { IN, OUT } = VirtioBlkRequestType;

// Only this project's back end: QEMU's ends its process on some of this, and spins on other.
describe("a hostile front end", () => {
  let backEnd: BackEnd;
  let bystander: Guest;

  beforeEach(async () => {
    backEnd = await startOwnBackEnd();
    bystander = await Guest.boot({ path: `${backEnd.socket}.other` });
    await bystander.write(0, 0, new Uint8Array(4096).fill(0x77));
  });

  afterEach(async () => {
    bystander.close();
    await backEnd.remove();
  });

  /** The process lives, its other disk works as before, and its front end was not even disconnected. */
  async function isUnharmed(): Promise<boolean> {
    if (!backEnd.isAlive()) return false;
    expect(await bystander.read(0, 0, 4096)).toEqual(new Uint8Array(4096).fill(0x77));
    expect(bystander.events).toEqual([]);
    const next = await within("the next front end", Guest.boot({ path: backEnd.socket }));
    try {
      expect(await next.write(0, 0, new Uint8Array(512).fill(1))).toBe(0);
      expect(await next.read(1, 0, 512)).toEqual(new Uint8Array(512).fill(1));
    } finally {
      next.close();
    }
    return true;
  }

  describe.each([
    ["split", DEFAULT_FEATURES],
    ["packed", DEFAULT_FEATURES | VirtioFeature.RING_PACKED],
  ])("%s ring", (_, features) => {
    test("rubbish in the rings", { timeout: 60_000 }, async () => {
      const random = createRandom(3);
      for (let round = 0; round < 12; round += 1) {
        const guest = await within("boot", Guest.boot({ path: backEnd.socket, features, queueSize: 16 }));
        for (let turn = 0; turn < 20; turn += 1) {
          scribble(guest, random);
          for (const vring of guest.frontEnd.vrings) vring.kickNow();
          if (turn % 5 === 0) await guest.frontEnd.readConfig();
        }
        guest.close();
      }
      expect(await isUnharmed()).toBe(true);
    });

    test("a chain that cannot be is told on the vring's err, and nothing more is done until a reset", async () => {
      const guest = await Guest.boot({ path: backEnd.socket, features });
      const [vring] = guest.frontEnd.vrings;
      const bad = [{ address: 2 ** 50, length: 512, writable: false }];
      vring!.add(bad);
      vring!.kick();
      await until("the fault is told", () => guest.events.some(({ type }) => type === "vring-fault"));
      expect(guest.events.find(({ type }) => type === "vring-fault")).toMatchObject({ index: 0 });
      await guest.frontEnd.resetDevice();
      await guest.frontEnd.start();
      expect(await guest.write(0, 8, new Uint8Array(512).fill(9))).toBe(0);
      guest.close();
      expect(await isUnharmed()).toBe(true);
    });
  });

  test("memory that is cut off under the device", { timeout: 60_000 }, async () => {
    const calls = await loadSystemCalls();
    for (const type of [IN, OUT]) {
      const guest = await within("boot", Guest.boot({ path: backEnd.socket }));
      const [guestAddress, size] = [2 ** 32, 1 << 20];
      const fd = calls.createMemoryFile("cut-off", size);
      // Else the back end seals it, and that is that.
      calls.addSeals(fd, Seal.SEAL);
      await guest.frontEnd.connection.addMemoryRegion({ guestAddress, size, userAddress: 2 ** 46, fd });
      calls.truncate(fd, 0);
      for (let index = 0; index < 8; index += 1)
        void guest.send(index % 2, type, index * 8, guestAddress + index * 4096, 4096);
      await Promise.resolve();
      await guest.frontEnd.readConfig().catch(() => {});
      guest.close();
      calls.close(fd);
      expect(await isUnharmed()).toBe(true);
    }
  });

  test("rubbish instead of messages", { timeout: 60_000 }, async () => {
    const random = createRandom(5);
    for (let round = 0; round < 40; round += 1) await within("it hangs up", talkRubbish(backEnd.socket, random));
    expect(await isUnharmed()).toBe(true);
  });

  test("a front end that says nothing, or half a message, and leaves", async () => {
    for (const text of ["", "\u0001\u0000\u0000\u0000\u0001\u0000"]) {
      await new Promise<void>((resolve, reject) => {
        const socket = connectSocket(backEnd.socket, () => socket.end(text, "latin1"));
        socket.on("error", reject).on("close", () => resolve());
        socket.resume();
      });
    }
    expect(await isUnharmed()).toBe(true);
  });
});

/** Overwrites a few places of the rings with numbers that are likely to hurt. */
function scribble(guest: Guest, random: Random): void {
  const pick = (choices: readonly number[]): number => choices[Math.floor(random() * choices.length)]!;
  for (const { queue, size } of guest.frontEnd.vrings) {
    const { descriptorArea, driverArea, deviceArea } = queue.settings;
    const bytes = guest.frontEnd.memory.bytes(descriptorArea, deviceArea + 4 - descriptorArea);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let count = 0; count < 20; count += 1) {
      const at = 16 * Math.floor(random() * size);
      view.setBigUint64(at, BigInt(pick([0, 4096, 2 ** 24 - 8, 2 ** 30, 2 ** 52])), true);
      view.setUint32(at + 8, pick([0, 1, 16, 512, 4096, 0x7fffffff, 0xffffffff]), true);
      view.setUint16(at + 12, pick([0, 1, 2, 4, 5, 0x80, 0x83, 0x8000, 0x8081, 0xffff]), true);
      view.setUint16(at + 14, pick([0, 1, size - 1, size, 0x80, 0x81, 0x8000, 0xffff]), true);
    }
    const driver = driverArea - descriptorArea;
    view.setUint16(driver + 2, pick([0, 1, size, size + 1, 0x8000, 0xffff, Math.floor(random() * 65536)]), true);
  }
}

/** Sends bytes that look more or less like messages until the other side hangs up, or all is sent. */
function talkRubbish(path: string, random: Random): Promise<void> {
  return new Promise((resolve) => {
    const socket = connectSocket(path, () => {
      for (let count = 0; count < 30; count += 1) socket.write(rubbishMessage(random));
      socket.end();
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve());
    socket.resume();
  });
}

function rubbishMessage(random: Random): Uint8Array {
  const length = Math.floor(random() * 64);
  const message = new Uint8Array(12 + length).map(() => Math.floor(random() * 256));
  const view = new DataView(message.buffer);
  if (random() < 0.1) return message;
  view.setUint32(0, Math.floor(random() * 50), true);
  view.setUint32(4, 1 | (random() < 0.5 ? 8 : 0), true);
  view.setUint32(8, random() < 0.1 ? Math.floor(random() * 2 ** 32) : length, true);
  return message;
}
