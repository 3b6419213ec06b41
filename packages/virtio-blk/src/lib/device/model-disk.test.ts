import fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { AbandonBehaviour } from "./testing/scripted-driver.ts";
import { ModelGuest, SECTORS } from "./testing/model-guest.ts";
import { TestDisk } from "./testing/test-disk.ts";

const rings = fc.record({
  packed: fc.boolean(),
  eventIdx: fc.boolean(),
  tableEntries: fc.constantFrom(0, 16),
  size: fc.constantFrom(16, 32, 64),
  slots: fc.constant(12),
  slotBytes: fc.constant(4096),
});

const storage = fc.record({
  maxTransfer: fc.constantFrom(512, 1024, 2 ** 20),
  fua: fc.boolean(),
  flush: fc.boolean(),
});

/** What happens next: requests, completions, and now and then something worse. */
const steps = fc.array(fc.nat(99), { minLength: 20, maxLength: 150, size: "max" });

interface Case {
  readonly seed: number;
  readonly steps: readonly number[];
  /** Whose buffers a driver keeps that does not let go must not be the guest's: see LingeringRequest. */
  readonly path: { readonly dataPath: "direct" | "copy"; readonly abandoning: AbandonBehaviour };
}

const paths = fc.constantFrom<Case["path"]>(
  { dataPath: "direct", abandoning: "detach" },
  { dataPath: "direct", abandoning: "cancel" },
  { dataPath: "direct", abandoning: "end-others" },
  { dataPath: "copy", abandoning: "detach" },
  { dataPath: "copy", abandoning: "refuse" },
);

class Run {
  readonly disk: TestDisk;
  readonly guest: ModelGuest;
  readonly #random: (below: number) => number;

  constructor(disk: TestDisk, { seed, path }: Case) {
    this.disk = disk;
    this.disk.driver.abandoning = path.abandoning;
    this.guest = new ModelGuest(disk, seed);
    let state = seed;
    this.#random = (below) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
  }

  step(step: number): void {
    const { driver } = this.disk;
    if (step < 60) {
      this.guest.ask();
      if (step % 2 === 0) this.guest.kick();
    } else if (step < 85) {
      if (driver.held.length > 0) driver.complete(this.#random(driver.held.length), step === 84 ? "EIO" : undefined);
    } else if (step < 88) driver.hold = !driver.hold;
    else if (step < 96) {
      this.disk.run();
      this.guest.collect();
    } else if (step < 98) this.restart(() => this.disk.device.reset());
    else this.restart(() => void this.disk.device.stopQueue(0));
  }

  restart(stop: () => void): void {
    stop();
    this.guest.collect();
    this.guest.forget();
    this.disk.guest.start(this.disk.device);
    if (this.#random(2) === 0) this.disk.run();
  }

  /** All comes to its end, and every sector is read once more. */
  end(): void {
    this.disk.driver.hold = false;
    this.guest.kick();
    for (let round = 0; round < 4; round += 1) {
      this.disk.driver.completeAll();
      this.disk.run();
      this.guest.collect();
    }
    if (this.disk.guest.pending > 0) throw new Error(`${this.disk.guest.pending} requests hang`);
    for (let round = 0; round < SECTORS; round += 1) {
      this.guest.ask();
      this.guest.kick();
      this.disk.run();
      this.guest.collect();
    }
    this.disk.guest.checkIdle();
    if (this.disk.broken.length > 0) throw new Error(`it broke: ${this.disk.broken.join()}`);
  }
}

describe("whatever a guest does, its disk is a disk", () => {
  test("completions in any order, failures, resets and stops at any time", () => {
    let completed = 0;
    fc.assert(
      fc.property(
        rings,
        storage,
        fc.record({ seed: fc.nat(), steps, path: paths }),
        fc.boolean(),
        (guest, declared, each: Case, writeback) => {
          const device = { dataPath: each.path.dataPath, writeback };
          const disk = new TestDisk({ size: SECTORS * 512, declared, device, guest });
          const run = new Run(disk, each);
          for (const step of each.steps) run.step(step);
          run.end();
          completed += run.guest.completed;
        },
      ),
      { numRuns: 200 },
    );
    expect(completed).toBeGreaterThan(5000);
  });
});
