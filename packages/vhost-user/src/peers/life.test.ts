import { createRandom } from "@rehandle/driver-sdk";
import { VirtioBlkRequestType } from "@rehandle/virtio-blk";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { BackEnd } from "./testing/back-end.ts";
import { Guest } from "./testing/guest.ts";
import { PEERS } from "./testing/peers.ts";
import { until, within } from "./testing/until.ts";
import { verifiedLoad } from "./testing/verified-load.ts";

const { IN, OUT } = VirtioBlkRequestType;
const BLOCKS = 128;

describe.each(PEERS)("$name", ({ start, is }) => {
  let backEnd: BackEnd;
  let guest: Guest;
  let versions: Uint32Array;

  beforeEach(async () => {
    backEnd = await start();
    guest = await Guest.boot({ path: backEnd.socket });
    versions = new Uint32Array(BLOCKS);
  });

  afterEach(async () => {
    guest.close();
    await backEnd.remove();
  });

  async function load(seed: number, operations = 300, ms = 10_000): Promise<void> {
    const options = { random: createRandom(seed), depth: 8, operations, blocks: BLOCKS, versions };
    await within("the load", verifiedLoad(guest, options), ms);
  }

  /** A back end may turn a front end away while the one before still has requests in flight. */
  async function bootSoon(): Promise<Guest> {
    for (;;) {
      try {
        return await Guest.boot({ path: backEnd.socket });
      } catch (error) {
        expect(["ECONNRESET", "EPIPE", "ECONNREFUSED"]).toContain((error as { code?: string }).code);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
  }

  test("stops and starts, and goes on where it was", async () => {
    for (const seed of [1, 2, 3, 4]) {
      await load(seed);
      await within("stop", guest.frontEnd.stop());
      expect(guest.frontEnd.state).toBe("negotiated");
      expect(guest.frontEnd.vrings.some(({ base }) => base > 0)).toBe(true);
      await within("start", guest.frontEnd.start());
    }
    await load(5);
  });

  test("nothing happens on a stopped vring; what waits in it is done after the start", async () => {
    await guest.frontEnd.stop();
    const address = guest.allocate(512);
    let done = false;
    const sent = guest.send(0, IN, 0, address, 512).then(() => (done = true));
    guest.frontEnd.vrings[0]!.kickNow();
    // The back end is alive, and has seen the kick if it looks at it.
    await guest.frontEnd.readConfig();
    await guest.frontEnd.readConfig();
    expect(done).toBe(false);
    await guest.frontEnd.start();
    await within("the read", sent);
  });

  test("a disabled vring rests while another works", async () => {
    await guest.frontEnd.enableVring(1, false);
    let done = false;
    const sent = guest.send(1, IN, 0, guest.allocate(512), 512).then(() => (done = true));
    expect(await guest.write(0, 0, new Uint8Array(512).fill(1))).toBe(0);
    await guest.frontEnd.readConfig();
    expect(done).toBe(!is.disabledVringRests);
    await guest.frontEnd.enableVring(1, true);
    guest.frontEnd.vrings[1]!.kickNow();
    await within("the read", sent);
  });

  test("serves one front end after the other", async () => {
    for (const seed of [1, 2, 3]) {
      await load(seed);
      guest.close();
      guest = await within("boot", Guest.boot({ path: backEnd.socket }));
      expect(guest.frontEnd.state).toBe("started");
    }
    await load(4);
  });

  test.runIf(is.survivesLeaving)("a front end that goes away in the middle of everything is not missed", async () => {
    for (let round = 0; round < 5; round += 1) {
      const address = guest.allocate(65536);
      for (let index = 0; index < 40; index += 1) void guest.send(index % 2, OUT, index * 128, address, 65536);
      // The requests are on their way when this microtask runs.
      await Promise.resolve();
      guest.close();
      guest = await within("boot", bootSoon());
    }
    expect(await guest.write(0, 0, new Uint8Array(4096))).toBe(0);
    expect(backEnd.isAlive()).toBe(true);
  });

  test("reconnects with the same memory", async () => {
    await load(1);
    await within("reconnect", guest.frontEnd.reconnect());
    expect(guest.frontEnd.state).toBe("negotiated");
    // As QEMU does: the used ring says where to go on, if there is a region that says what is in flight.
    expect(guest.frontEnd.vrings.every(({ base }) => base > 0)).toBe(is.inflight);
    await guest.frontEnd.start();
    await load(2);
  });

  test("a back end that was killed while idle is gone on with", async () => {
    await load(1);
    await backEnd.kill();
    await until("the loss is seen", () => guest.frontEnd.state === "disconnected");
    expect(guest.events).toMatchObject([{ type: "disconnected", error: { code: "ECONNRESET" } }]);
    await expect(guest.frontEnd.readConfig()).rejects.toMatchObject({ code: "ECONNRESET" });
    await backEnd.start();
    await within("reconnect", guest.frontEnd.reconnect());
    await guest.frontEnd.start();
    await load(2);
  });

  test("a back end that is not there yet can be tried again", async () => {
    await backEnd.kill();
    await until("the loss is seen", () => guest.frontEnd.state === "disconnected");
    await expect(guest.frontEnd.reconnect()).rejects.toMatchObject({ code: "ECONNREFUSED" });
    await backEnd.start();
    await guest.frontEnd.reconnect();
    await guest.frontEnd.start();
    await load(1);
  });

  test.runIf(is.inflight)("SIGKILL under load: nothing is lost, no request fails", { timeout: 60_000 }, async () => {
    // Each start takes a second on a busy machine: the load goes on until the last kill.
    const stop = new AbortController();
    const random = createRandom(7);
    const done = verifiedLoad(guest, { random, depth: 8, operations: Infinity, blocks: BLOCKS, versions, stop });
    for (let kill = 0; kill < 5; kill += 1) {
      await new Promise((resolve) => setTimeout(resolve, 10 + kill * 15));
      await backEnd.kill();
      await until("the loss is seen", () => guest.frontEnd.state === "disconnected");
      await backEnd.start();
      await within("reconnect", guest.frontEnd.reconnect());
      await guest.frontEnd.start();
    }
    stop.abort();
    const { writes, reads } = await within("the rest", done);
    expect(Math.min(writes, reads)).toBeGreaterThan(10);
    await load(8);
  });

  test.skipIf(is.inflight)("without INFLIGHT_SHMFD what was in flight at a SIGKILL is given up", async () => {
    const address = guest.allocate(65536);
    const sent = Array.from({ length: 40 }, (_, index) => guest.send(0, OUT, index * 128, address, 65536));
    await Promise.resolve();
    await backEnd.kill();
    await until("the loss is seen", () => guest.frontEnd.state === "disconnected");
    await backEnd.start();
    await guest.frontEnd.reconnect();
    const results = await within("all requests", Promise.all(sent));
    for (const { status } of results) expect([0, -1]).toContain(status);
    await guest.frontEnd.start();
    await load(1);
  });

  test("logs which pages it writes", async () => {
    const { memory, vrings } = guest.frontEnd;
    const [read, idle] = [memory.allocate(4096, 4096), memory.allocate(4096, 4096)];
    const log = await guest.frontEnd.startDirtyLog();
    log.takeDirtyPages();
    expect(await guest.send(0, IN, 0, read, 4096)).toMatchObject({ status: 0 });
    const dirty = log.takeDirtyPages();
    const usedPage = vrings[0]!.queue.settings.deviceArea;
    expect(dirty).toContain(read);
    expect(dirty).toContain(usedPage - (usedPage % 4096));
    expect(dirty).not.toContain(idle);
    await guest.frontEnd.stopDirtyLog();
    expect(await guest.send(0, IN, 0, idle, 4096)).toMatchObject({ status: 0 });
    expect(log.takeDirtyPages()).toEqual([]);
    await load(1);
  });

  test.runIf(is.resetDevice)("a reset empties the vrings, and the device can be used anew", async () => {
    await load(1);
    for (let index = 0; index < 20; index += 1) void guest.send(0, OUT, index * 8, guest.allocate(4096), 4096);
    await Promise.resolve();
    await within("reset", guest.frontEnd.resetDevice());
    expect(guest.frontEnd.state).toBe("negotiated");
    await guest.frontEnd.start();
    versions = new Uint32Array(BLOCKS);
    expect(await guest.ranges(0, 13, [{ sector: 0, sectors: BLOCKS * 8 }])).toBe(0);
    await load(2);
  });
});
