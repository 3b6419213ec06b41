import { type BlockBackend, type BlockBackendOptions, createBlockBackend } from "@rehandle/core";
import { createMemoryDriver, createMemoryStorage, type MemoryStorage } from "@rehandle/driver-memory";
import { createRandom, createVirtualClock, type VirtualClock } from "@rehandle/driver-sdk";
import { createFaultDriver, type FaultDriver } from "@rehandle/driver-sdk/faults";
import { expect, test } from "vitest";

import { createVirtioBlockDevice } from "./create-virtio-block-device.ts";
import { VirtioBlkRequestType as Type } from "./request-type.ts";
import { type GuestAsk, type GuestRequest, TestGuest } from "./testing/test-guest.ts";
import type { VirtioBlockDevice } from "./virtio-block-device.ts";

/** A guest on a disk whose storage can be taken away, with I/O hang between. */
class Machine {
  readonly clock: VirtualClock;
  readonly storage: MemoryStorage;
  readonly faults: FaultDriver;
  readonly backend: BlockBackend;
  readonly guest: TestGuest = new TestGuest();
  readonly device: VirtioBlockDevice;

  constructor(backend: BlockBackend, faults: FaultDriver, storage: MemoryStorage, clock: VirtualClock) {
    this.backend = backend;
    this.faults = faults;
    this.storage = storage;
    this.clock = clock;
    this.device = createVirtioBlockDevice({
      driver: backend,
      clock,
      memory: this.guest.test.memory,
      writable: true,
      isCongested: () => backend.congested,
      onInterrupt: () => {},
    });
    this.guest.start(this.device);
  }

  /** Lets time pass and everything happen. */
  async wait(ms: number): Promise<GuestRequest[]> {
    for (let hop = 0; hop < 10; hop += 1) await Promise.resolve();
    this.clock.advance(ms);
    for (let hop = 0; hop < 10; hop += 1) await Promise.resolve();
    return this.guest.collect();
  }

  ask(ask: GuestAsk): GuestRequest {
    return this.guest.ask(this.device, ask);
  }

  write(sector: number, value: number): GuestRequest {
    return this.ask({ type: Type.OUT, sector, out: new Uint8Array(4096).fill(value) });
  }

  read(sector: number): GuestRequest {
    return this.ask({ type: Type.IN, sector, inLength: 4096 });
  }

  stored(sector: number): number {
    const bytes = new Uint8Array(1);
    this.storage.read(sector * 512, [bytes]);
    return bytes[0] ?? -1;
  }
}

async function boot(options: BlockBackendOptions = {}): Promise<Machine> {
  const clock = createVirtualClock();
  const storage = createMemoryStorage({ size: 1024 * 1024 });
  const faults = createFaultDriver(createMemoryDriver({ storage }));
  const backend = createBlockBackend(faults, options);
  await backend.open({ clock, random: createRandom(3), onEvent: () => {}, held: false });
  const machine = new Machine(backend, faults, storage, clock);
  await machine.wait(0);
  return machine;
}

test("an outage of 20 s is a pause for the guest: no error, and every write is there", async () => {
  const machine = await boot();
  machine.write(0, 1);
  expect(await machine.wait(1)).toHaveLength(1);
  machine.faults.disconnect();
  const asks = [machine.write(0, 2), machine.read(8), machine.write(64, 3), machine.ask({ type: Type.FLUSH })];
  expect(await machine.wait(19_900)).toHaveLength(0);
  expect(machine.backend.hangState).toBe("hang");
  machine.faults.connect();
  expect(await machine.wait(10_000)).toHaveLength(4);
  expect(asks.map((ask) => ask.status)).toEqual([0, 0, 0, 0]);
  expect([machine.stored(0), machine.stored(64)]).toEqual([2, 3]);
});

test("without I/O hang the guest gets the errors at once, and with a timeout then and not before", async () => {
  const plain = await boot({ iohangTimeout: 0 });
  plain.faults.disconnect();
  const write = plain.write(0, 1);
  await plain.wait(1);
  expect(write.status).toBe(1);
  const machine = await boot({ iohangTimeout: 30 });
  machine.faults.disconnect();
  const held = [machine.write(0, 1), machine.read(0)];
  expect(await machine.wait(29_000)).toHaveLength(0);
  expect(await machine.wait(1_100)).toHaveLength(2);
  expect(held.map((ask) => ask.status)).toEqual([1, 1]);
});

test("a reset during a hang returns at once; afterwards the guest finds its disk as the fence left it", async () => {
  const machine = await boot();
  const { guest, device, faults, backend } = machine;
  faults.disconnect();
  for (let at = 0; at < 10; at += 1) machine.write(8 * at, 9);
  machine.read(0);
  await machine.wait(7_000);
  expect(backend.heldRequests()).toHaveLength(11);
  const before = guest.snapshot();
  device.reset();
  // Held requests were taken out of the backend too: they will never be sent.
  expect([device.status, device.lingering, backend.heldRequests()]).toEqual([0, [], []]);
  expect(guest.changesSince(before)).toBe(0);
  guest.restart();
  guest.start(device);
  const asks = [machine.read(0), machine.write(8, 5), machine.read(16)];
  expect(await machine.wait(5_000)).toHaveLength(0);
  faults.connect();
  expect(await machine.wait(20_000)).toHaveLength(3);
  expect(asks.map((ask) => ask.status)).toEqual([0, 0, 0]);
  expect([asks[0]?.data[0], machine.stored(8), asks[2]?.data[0]]).toEqual([0, 5, 0]);
  guest.checkIdle();
});

test("what a silent storage was given before the reset may land later, and does not undo what comes after", async () => {
  const machine = await boot();
  const { guest, device, faults } = machine;
  faults.freeze();
  machine.write(0, 9);
  machine.read(8);
  await machine.wait(1_000);
  const before = guest.snapshot();
  device.reset();
  guest.restart();
  guest.start(device);
  const [write, elsewhere] = [machine.write(0, 5), machine.write(800, 6)];
  await machine.wait(1_000);
  expect([write.done, elsewhere.done]).toEqual([false, false]);
  faults.thaw();
  await machine.wait(10_000);
  expect([write.status, elsewhere.status]).toEqual([0, 0]);
  // The old write of 9 landed first.
  expect([machine.stored(0), machine.stored(800)]).toEqual([5, 6]);
  expect(guest.snapshot()).toHaveLength(before.length);
  guest.checkIdle();
});

test("a queue that is stopped during a hang leaves its requests to whoever goes on with it", async () => {
  const machine = await boot();
  const { guest, device, faults } = machine;
  faults.disconnect();
  const asks = [machine.write(0, 1), machine.write(8, 2), machine.read(0)];
  await machine.wait(3_000);
  const stopping = device.stopQueue(0, { patience: 500, putBack: true });
  await machine.wait(500);
  const { position, unfinished } = await stopping;
  expect([position.available, unfinished]).toEqual([0, 3]);
  faults.connect();
  await machine.wait(10_000);
  expect([machine.stored(0), machine.stored(8)]).toEqual([0, 0]);
  device.startQueue(0, { ...guest.queue.settings, position });
  await machine.wait(10);
  expect(asks.map((ask) => ask.status)).toEqual([0, 0, 0]);
  expect([machine.stored(0), machine.stored(8)]).toEqual([1, 2]);
});
