import { isBlockError, type Clock, type Random } from "@rehandle/driver-sdk";

import { CHART_COLUMNS } from "./chart.ts";
import type { DemoOptions } from "./demo-options.ts";
import { ExpectedData, type Verification } from "./expected-data.ts";
import { count, duration, plural } from "./figures.ts";
import { HangLog, type HangEvent } from "./hang-log.ts";
import type { Line } from "./line.ts";
import type { Processes } from "./processes.ts";
import { ProgressMeter } from "./progress-meter.ts";
import { Rig } from "./rig.ts";
import { Sampler, type Reading } from "./sampler.ts";
import type { Screen } from "./screen.ts";
import { sleep } from "./sleep.ts";
import { Workload } from "./workload.ts";

/** The disk: bytes of a block, and how many. Most blocks are written before an act is over. */
const BLOCK_SIZE = 4096;
const BLOCKS = 2048;
/** What starting the storage adds to the outage, about, ms: for the width of the chart. */
const START_ALLOWANCE = 500;
/** Lengths of a slot of the chart, ms. */
const SLOTS = [100, 200, 250, 500, 1000, 2000];

/** What all acts share. */
export interface Stage {
  readonly options: DemoOptions;
  readonly clock: Clock;
  readonly random: Random;
  readonly processes: Processes;
  readonly screen: Screen;
}

/** What one act is about. */
export interface ActPlan {
  /** For files. */
  readonly name: string;
  readonly heading: Line;
  /** Seconds; 0 is off. */
  readonly iohangTimeout: number;
}

/** What an act came to. Times in ms. */
export interface ActResult {
  /** Requests that succeeded. */
  readonly requests: number;
  /** Requests that failed: the errors that the client saw. */
  readonly errors: number;
  /** The longest time without a request that succeeded. */
  readonly longestStall: number;
  /** From the kill until the storage accepted connections again; null if it never did. */
  readonly outage: number | null;
  /** From the storage accepting connections to the first request that succeeded; null if none did. */
  readonly firstIo: number | null;
  /** Reads that gave other data than was written, while the workload ran. */
  readonly wrongReads: number;
  /** Everything read back through the daemon, and then from the storage's file; null if there was no I/O any more. */
  readonly readBack: { readonly disk: Verification; readonly file: Verification } | null;
  /** What the daemon told, in order. */
  readonly hangEvents: readonly HangEvent[];
}

/** How long the demo waits for I/O once the storage is back (or should be), ms. Later than it may be, to tell how late. */
export function patience({ firstIoWithin }: Pick<DemoOptions, "firstIoWithin">): number {
  return 3000 * firstIoWithin;
}

/** Plays one act: storage, daemon and client start, the storage goes away and comes back, the data is compared. */
export async function playAct(plan: ActPlan, stage: Stage): Promise<ActResult> {
  const act = new Act(plan, stage);
  try {
    return await act.play();
  } finally {
    stage.processes.killAll();
    stage.screen.endAct();
  }
}

class Act {
  readonly #plan: ActPlan;
  readonly #stage: Stage;
  readonly #data: ExpectedData = new ExpectedData(BLOCKS, BLOCK_SIZE);
  readonly #hangs: HangLog = new HangLog((text) => this.#note(text));
  #began: number;

  constructor(plan: ActPlan, stage: Stage) {
    this.#plan = plan;
    this.#stage = stage;
    this.#began = stage.clock.now();
  }

  async play(): Promise<ActResult> {
    const { clock, random, processes, screen, options } = this.#stage;
    const { name, heading, iohangTimeout } = this.#plan;
    const slotMs = slotFor(1000 * (options.calm + options.outage + options.calm) + START_ALLOWANCE);
    screen.beginAct(heading, slotMs);
    const size = BLOCKS * BLOCK_SIZE;
    const rig = await Rig.start({ processes, clock, random, name, size, iohangTimeout, hangs: this.#hangs });
    this.#began = clock.now();
    const meter = new ProgressMeter(this.#began);
    const workload = this.#createWorkload(rig, meter);
    const sampler = this.#createSampler(slotMs, rig, meter, workload);
    workload.start();
    await sleep(clock, 1000 * options.calm);
    const outage = await this.#playOutage(rig, meter);
    const goesOn = outage.firstIo !== null;
    if (goesOn) {
      await sleep(clock, 1000 * options.calm);
      await workload.stop();
    }
    sampler.stop();
    const { completed: requests } = meter;
    const longestStall = meter.longestStall(clock.now());
    const readBack = goesOn ? await this.#readBack(rig, workload) : null;
    const { failures: errors, wrongReads } = workload;
    return { ...outage, requests, errors, longestStall, wrongReads, readBack, hangEvents: this.#hangs.events };
  }

  #createWorkload(rig: Rig, meter: ProgressMeter): Workload {
    const { clock, random, options } = this.#stage;
    return new Workload({
      client: rig.client,
      data: this.#data,
      meter,
      clock,
      random,
      queueDepth: options.queueDepth,
      onError: (error, failures) => {
        if (failures === 1) this.#note(`the client's first error: ${describeError(error)}`);
      },
    });
  }

  #createSampler(slotMs: number, rig: Rig, meter: ProgressMeter, workload: Workload): Sampler {
    const { clock, screen } = this.#stage;
    let held = 0;
    const readHeld = (): void => {
      rig.daemon.heldRequests().then(
        (now) => (held = now),
        // The daemon is gone; whether it may be is asked elsewhere.
        () => (held = 0),
      );
    };
    readHeld();
    const read = (): Reading => {
      readHeld();
      const hang = this.#hangs.hanging;
      return {
        storageUp: rig.storage.isUp,
        hang,
        completed: meter.completed,
        failed: workload.failures,
        // The answer is a slot old; a hang's end is known at once, and then nothing is held.
        held: hang ? held : 0,
      };
    };
    return new Sampler(clock, slotMs, read, (sample) => screen.sample(sample));
  }

  /** The storage is killed, and comes back; times in ms. */
  async #playOutage(rig: Rig, meter: ProgressMeter): Promise<Pick<ActResult, "outage" | "firstIo">> {
    const { clock, options } = this.#stage;
    const killed = clock.now();
    this.#note("the storage is killed with SIGKILL");
    await rig.storage.kill();
    await sleep(clock, 1000 * options.outage);
    if (!options.returns) {
      this.#note("the storage stays away");
      await sleep(clock, patience(options));
      return { outage: null, firstIo: null };
    }
    // Asked for beforehand: the storage may be used before this process knows that it is back.
    const success = meter.firstSuccess(clock.now());
    const accepting = await rig.storage.start();
    this.#note("the storage is back");
    const first = await Promise.race([success, sleep(clock, patience(options))]);
    const outage = accepting - killed;
    if (first === undefined) return { outage, firstIo: null };
    const firstIo = Math.max(0, first - accepting);
    this.#note(`first I/O, ${duration(firstIo)} after the storage accepted connections`);
    return { outage, firstIo };
  }

  async #readBack(rig: Rig, workload: Workload): Promise<ActResult["readBack"]> {
    const disk = await workload.verify();
    const file = this.#data.checkAll(await rig.stop());
    const unknown = disk.uncertain === 0 ? "" : `; ${count(disk.uncertain)} in doubt, old or new`;
    const right = Math.min(disk.right, file.right);
    this.#note(`${count(right)} of ${plural(disk.blocks, "block")} read back as written${unknown}`);
    return { disk, file };
  }

  #note(text: string): void {
    this.#stage.screen.note(this.#stage.clock.now() - this.#began, text);
  }
}

/** The shortest of some handy lengths of a slot with which an act of `ms` milliseconds fits into the chart. */
function slotFor(ms: number): number {
  return SLOTS.find((slot) => slot * CHART_COLUMNS >= ms) ?? Math.ceil(ms / CHART_COLUMNS);
}

/** `write at 3,121,152: EIO`. */
function describeError(error: unknown): string {
  if (!isBlockError(error)) return String(error);
  const somewhere = error.offset !== undefined && error.operation !== "flush";
  const where = somewhere ? ` at ${count(error.offset)}` : "";
  return `${error.operation ?? "request"}${where}: ${error.code}`;
}
