import {
  duration,
  HangLog,
  plural,
  Sampler,
  type HangEvent,
  type Line,
  type Reading,
  type Screen,
} from "@rehandle/demo";
import type { Clock } from "@rehandle/driver-sdk";

import type { DemoOptions } from "./demo-options.ts";
import { checkExt4, checkFiles, isWritable, type FilesCheck } from "./ext4.ts";
import type { GuestImage } from "./guest-image.ts";
import { GuestLoad, type LoadCounts } from "./guest-load.ts";
import { KernelComplaints } from "./kernel-complaints.ts";
import { Rig } from "./rig.ts";
import { Sandbox } from "./sandbox.ts";
import { sleep, within } from "./sleep.ts";

/** How long all is well before the outage, and after it, ms. */
const CALM = 3000;
/** Files that are written before the outage at least, however slow the machine is. */
const FILES_BEFORE = 10;
/** How long the demo waits for the first write after the outage, ms. */
const PATIENCE = 5000;
/** Columns of the screen's chart. */
const SLOTS = 40;
const DEVICE = "/dev/vda";
const SEED = "demo";
/** Of a line of the kernel, so that it fits beside its time. */
const MOST_CHARACTERS = 62;

/** What all acts share. */
export interface Stage {
  readonly options: DemoOptions;
  readonly clock: Clock;
  readonly image: GuestImage;
  readonly screen: Screen;
}

/** What one act is about. */
export interface ActPlan {
  readonly heading: Line;
  /** Seconds; 0 is off. */
  readonly iohangTimeout: number;
}

/** What an act came to. Times in ms. */
export interface ActResult {
  readonly writer: LoadCounts;
  readonly reader: LoadCounts;
  /** What the guest's kernel said of a disk that fails. */
  readonly complaints: readonly string[];
  /** From the kill until the storage accepted connections again. */
  readonly outage: number;
  /** From then to the first file that was written; null if none was. */
  readonly firstWrite: number | null;
  /** The file system could be written after the outage. */
  readonly writable: boolean;
  /** What fsck had to say after the guest unmounted; empty if it is clean. */
  readonly fsck: string;
  /** Of the files that the guest saw completed. */
  readonly files: FilesCheck;
  /** What the daemon told, in order. */
  readonly hangEvents: readonly HangEvent[];
}

/** Plays one act: storage, daemon and guest start, the storage goes away and comes back, the file system is looked at. */
export async function playAct(plan: ActPlan, stage: Stage): Promise<ActResult> {
  const sandbox = new Sandbox(stage.clock);
  try {
    return await new Act(plan, stage, sandbox).play();
  } finally {
    await sandbox.remove();
    stage.screen.endAct();
  }
}

class Act {
  readonly #plan: ActPlan;
  readonly #stage: Stage;
  readonly #sandbox: Sandbox;
  readonly #hangs: HangLog = new HangLog((text) => this.#note(text));
  readonly #complaints: KernelComplaints = new KernelComplaints((line) => {
    this.#note(`kernel: ${line.replace(/^\[.*?\] /, "").slice(0, MOST_CHARACTERS)}`);
  });
  #began: number;
  #progress: () => void = () => undefined;

  constructor(plan: ActPlan, stage: Stage, sandbox: Sandbox) {
    this.#plan = plan;
    this.#stage = stage;
    this.#sandbox = sandbox;
    this.#began = stage.clock.now();
  }

  async play(): Promise<ActResult> {
    const { screen, image, clock, options } = this.#stage;
    const { heading, iohangTimeout } = this.#plan;
    screen.beginAct(heading, slotLength(options));
    this.#note("the guest boots, and makes an ext4");
    const rig = await Rig.start(this.#sandbox, image, iohangTimeout, this.#hangs);
    this.#began = clock.now();
    return Promise.race([this.#playOn(rig), rig.failure()]);
  }

  async #playOn(rig: Rig): Promise<ActResult> {
    const { clock } = this.#stage;
    const { agent, console } = rig.guest;
    console.onLine((line) => this.#complaints.take(line));
    const load = new GuestLoad(clock, agent, `files /mnt ${SEED}`, () => this.#progress());
    const sampler = this.#createSampler(rig, load);
    await Promise.all([sleep(clock, CALM), this.#untilWritten(load, FILES_BEFORE)]);
    const times = await this.#playOutage(rig, load);
    await sleep(clock, CALM);
    sampler.stop();
    await load.stop();
    const writable = await isWritable(agent);
    this.#note(`ext4 is ${writable ? "still writable" : "read-only, though the storage is back"}`);
    await agent.run("umount /mnt");
    const fsck = await checkExt4(agent, DEVICE);
    const files = await checkFiles(agent, DEVICE, SEED, load.of("writer").ops);
    const [writer, reader] = [load.of("writer"), load.of("reader")];
    this.#note(
      `fsck: ${fsck === "" ? "clean" : "not clean"}; ${files.right} of ${plural(files.expected, "file")} as written`,
    );
    const { lines: complaints } = this.#complaints;
    return { writer, reader, complaints, ...times, writable, fsck, files, hangEvents: this.#hangs.events };
  }

  /** The storage is killed, and comes back. */
  async #playOutage(rig: Rig, load: GuestLoad): Promise<Pick<ActResult, "outage" | "firstWrite">> {
    const { clock, options } = this.#stage;
    const killed = clock.now();
    this.#note("the storage is killed with SIGKILL");
    await rig.storage.kill();
    await sleep(clock, 1000 * options.outage);
    const written = this.#untilWritten(load, load.of("writer").ops + 1);
    await rig.storage.start();
    const back = clock.now();
    this.#note("the storage is back");
    const first = await within(clock, PATIENCE, written, "").catch(() => null);
    const outage = back - killed;
    if (first === null) return { outage, firstWrite: null };
    const firstWrite = Math.max(0, first - back);
    this.#note(`first file written, ${duration(firstWrite)} after the storage accepted connections`);
    return { outage, firstWrite };
  }

  /** Resolves with the time when the writer has written so many files. */
  #untilWritten(load: GuestLoad, files: number): Promise<number> {
    return new Promise((resolve) => {
      this.#progress = () => {
        if (load.of("writer").ops >= files) resolve(this.#stage.clock.now());
      };
    });
  }

  #createSampler(rig: Rig, load: GuestLoad): Sampler {
    const { clock, screen, options } = this.#stage;
    let held = 0;
    const read = (): Reading => {
      rig.heldRequests().then(
        (now) => (held = now),
        () => (held = 0),
      );
      const { ops: completed, errors: failed } = load.total;
      const hang = this.#hangs.hanging;
      return { storageUp: rig.storage.isUp, hang, completed, failed, held: hang ? held : 0 };
    };
    return new Sampler(clock, slotLength(options), read, (sample) => screen.sample(sample));
  }

  #note(text: string): void {
    this.#stage.screen.note(this.#stage.clock.now() - this.#began, text);
  }
}

/** A slot of the chart, ms, so that the act fits into it. */
function slotLength({ outage }: DemoOptions): number {
  return Math.ceil((2 * CALM + 1000 * outage) / SLOTS / 100) * 100;
}
