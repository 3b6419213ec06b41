import { createVirtualClock, type DriverCapabilities, type VirtualClock } from "@rehandle/driver-sdk";

import { createVirtioBlockDevice } from "../create-virtio-block-device.ts";
import { VirtioBlkRequestType } from "../request-type.ts";
import type { VirtioBlockDevice } from "../virtio-block-device.ts";
import type { VirtioBlockOptions } from "../virtio-block-options.ts";
import { ScriptedDriver } from "./scripted-driver.ts";
import { type GuestAsk, type GuestOptions, type GuestRequest, TestGuest } from "./test-guest.ts";

export interface TestDiskOptions {
  /** Bytes. Default 1 MiB. */
  readonly size?: number;
  readonly declared?: Partial<DriverCapabilities>;
  readonly guest?: GuestOptions;
  readonly device?: Partial<VirtioBlockOptions>;
  /** Do not negotiate and start. */
  readonly stopped?: boolean;
}

/** A device over a driver that does as it is told, with a guest. Nothing happens by itself: `run` runs the turns. */
export class TestDisk {
  readonly clock: VirtualClock = createVirtualClock();
  readonly driver: ScriptedDriver;
  readonly guest: TestGuest;
  readonly device: VirtioBlockDevice;
  readonly interrupts: number[] = [];
  readonly broken: string[] = [];
  readonly turns: (() => void)[] = [];
  /** What waits until others had their turn. */
  readonly yielded: (() => void)[] = [];
  configChanges = 0;

  constructor(options: TestDiskOptions = {}) {
    this.driver = new ScriptedDriver(options.size ?? 1024 * 1024, options.declared);
    this.guest = new TestGuest(options.guest);
    this.device = createVirtioBlockDevice({
      driver: this.driver,
      clock: this.clock,
      memory: this.guest.test.memory,
      writable: true,
      onInterrupt: (queue) => this.interrupts.push(queue),
      onConfigChange: () => {
        this.configChanges += 1;
      },
      onBroken: (queue, reason) => this.broken.push(`${queue}: ${reason}`),
      defer: (callback) => this.turns.push(callback),
      yieldTurn: (callback) => this.yielded.push(callback),
      ...options.device,
    });
    if (options.stopped !== true) this.start();
  }

  start(features?: bigint): void {
    this.guest.start(this.device, features);
    this.run();
  }

  /** Runs all turns until there are no more. */
  run(): void {
    for (;;) {
      const next = this.turns.shift() ?? this.yielded.shift();
      if (next === undefined) return;
      next();
    }
  }

  /** Asks, runs, and gives what came back. */
  do(ask: GuestAsk): GuestRequest {
    const request = this.guest.ask(this.device, ask);
    this.run();
    this.guest.collect();
    return request;
  }

  read(sector: number, inLength = 512, more: Partial<GuestAsk> = {}): GuestRequest {
    return this.do({ type: VirtioBlkRequestType.IN, sector, inLength, ...more });
  }

  write(sector: number, value: number, length = 512, more: Partial<GuestAsk> = {}): GuestRequest {
    return this.do({ type: VirtioBlkRequestType.OUT, sector, out: new Uint8Array(length).fill(value), ...more });
  }

  flush(): GuestRequest {
    return this.do({ type: VirtioBlkRequestType.FLUSH });
  }
}

/** The records of a DISCARD or WRITE_ZEROES: sector, sectors, flags. */
export function records(...each: readonly (readonly [sector: number, sectors: number, flags?: number])[]): Uint8Array {
  const bytes = new Uint8Array(each.length * 16);
  const view = new DataView(bytes.buffer);
  for (const [at, [sector, sectors, flags = 0]] of each.entries()) {
    view.setUint32(at * 16, sector % 2 ** 32, true);
    view.setUint32(at * 16 + 4, Math.floor(sector / 2 ** 32), true);
    view.setUint32(at * 16 + 8, sectors, true);
    view.setUint32(at * 16 + 12, flags, true);
  }
  return bytes;
}
