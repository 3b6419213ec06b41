/**
 * How many 4 KiB requests a second a vhost-user-blk back end does, at several depths, and what each costs both sides'
 * processors.
 * With two sockets they take turns, A B A B, and the ratio between them counts: the numbers themselves say how busy the
 * machine was. Writes go to the disk that is served.
 *
 * Run: node --conditions=@rehandle/source bench/front-end.ts <socket> [socket] [--seconds=1] [--rounds=3] [--queues=1]
 *      [--span=256 (MiB)] [--pid=<of the first>] [--pid=<of the second>] [--direct] [--depths=1,4,16,32]
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { createRandom, type Random } from "@rehandle/driver-sdk";
import { VirtioBlkRequestType, VirtioFeature } from "@rehandle/virtio-blk";
import {
  connectVhostUser,
  createBlockQueue,
  DEFAULT_FEATURES,
  type BlockCommand,
  type BlockQueue,
  type VhostUserFrontEnd,
} from "../src/index.ts";

const BLOCK = 4096;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: "string", default: "1" },
    rounds: { type: "string", default: "3" },
    queues: { type: "string", default: "1" },
    span: { type: "string", default: "256" },
    depths: { type: "string", default: "1,4,16,32" },
    pid: { type: "string", multiple: true, default: [] },
    direct: { type: "boolean", default: false },
  },
});
const seconds = Number(values.seconds);
const rounds = Number(values.rounds);
const depths = values.depths.split(",").map(Number);

interface Sample {
  readonly iops: number;
  /** Processor time of the back end, µs per request; NaN if its process is not known. */
  readonly cpu: number;
  /** Processor time of the front end, µs per request. */
  readonly own: number;
}

/** A back end under test. */
class Subject {
  readonly name: string;
  readonly #frontEnd: VhostUserFrontEnd;
  readonly #queues: BlockQueue[];
  readonly #random: Random = createRandom(1);
  readonly #blocks: number;
  readonly #pid: string | undefined;

  constructor(name: string, frontEnd: VhostUserFrontEnd, pid: string | undefined) {
    this.name = name;
    this.#frontEnd = frontEnd;
    this.#pid = pid;
    this.#queues = frontEnd.vrings.map(({ index }) => createBlockQueue(frontEnd, index));
    const bytes = Math.min(frontEnd.config.capacity * 512, Number(values.span) * 2 ** 20);
    this.#blocks = Math.floor(bytes / BLOCK);
  }

  static async connect(path: string, pid: string | undefined): Promise<Subject> {
    const features = values.direct ? DEFAULT_FEATURES & ~VirtioFeature.INDIRECT_DESC : DEFAULT_FEATURES;
    const frontEnd = await connectVhostUser({ path, numQueues: Number(values.queues), features, queueSize: 256 });
    await frontEnd.start();
    return new Subject(path, frontEnd, pid);
  }

  /** Keeps `depth` requests in flight on all queues together. */
  async measure(type: number, depth: number): Promise<Sample> {
    const { memory } = this.#frontEnd;
    const addresses = Array.from({ length: depth }, () => memory.allocate(BLOCK, BLOCK));
    const before = this.#cpuTime();
    const ownBefore = process.cpuUsage();
    const start = performance.now();
    const end = start + seconds * 1000;
    let done = 0;
    let over = false;
    await new Promise<void>((resolve, reject) => {
      const complete = (command: BlockCommand, status: number): void => {
        if (status !== 0) return reject(new Error(`a request ended with status ${status}`));
        done += 1;
        // The clock costs as much as a request: it is looked at now and then.
        over ||= done % 16 === 0 && performance.now() >= end;
        if (!over) return this.#submit(command);
        return resolve();
      };
      for (const [index, address] of addresses.entries()) {
        const data = [{ address, length: BLOCK }];
        const deviceWrites = type === VirtioBlkRequestType.IN;
        const owner = this.#queues[index % this.#queues.length];
        this.#submit({ type, sector: 0, data, deviceWrites, complete, owner });
      }
    });
    const elapsed = performance.now() - start;
    const cpu = ((this.#cpuTime() - before) * 1000) / done;
    const { user, system } = process.cpuUsage(ownBefore);
    await this.#settle();
    for (const address of addresses) memory.free(address);
    return { iops: (done / elapsed) * 1000, cpu, own: (user + system) / done };
  }

  close(): void {
    this.#frontEnd.close();
  }

  #submit(command: BlockCommand): void {
    command.sector = Math.floor(this.#random() * this.#blocks) * (BLOCK / 512);
    (command.owner as BlockQueue).submit(command);
  }

  /** Waits until nothing is in flight. */
  async #settle(): Promise<void> {
    while (this.#queues.some((queue) => queue.inFlight > 0)) await new Promise((resolve) => setTimeout(resolve, 1));
  }

  /** User and system time, ms. */
  #cpuTime(): number {
    if (this.#pid === undefined) return NaN;
    const stat = readFileSync(`/proc/${this.#pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // utime and stime, in ticks of 10 ms.
    return (Number(fields[11]) + Number(fields[12])) * 10;
  }
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!;
}

function show(samples: readonly Sample[]): string {
  const iops = Math.round(median(samples.map((sample) => sample.iops)));
  const cpu = median(samples.map((sample) => sample.cpu));
  const own = median(samples.map((sample) => sample.own));
  const backEnd = Number.isNaN(cpu) ? "" : `back end ${cpu.toFixed(1)}, `;
  return `${String(iops).padStart(8)} IOPS (${backEnd}front end ${own.toFixed(1)} µs)`;
}

const subjects = await Promise.all(positionals.map((path, index) => Subject.connect(path, values.pid[index])));
if (subjects.length === 0) throw new Error("which socket?");
for (const [index, { name }] of subjects.entries()) console.log(`${"AB"[index]}: ${name}`);
for (const [operation, type] of [
  ["randread", VirtioBlkRequestType.IN],
  ["randwrite", VirtioBlkRequestType.OUT],
] as const) {
  for (const depth of depths) {
    const samples: Sample[][] = subjects.map(() => []);
    for (let round = 0; round < rounds; round += 1) {
      for (const [index, subject] of subjects.entries()) samples[index]!.push(await subject.measure(type, depth));
    }
    const [a, b] = samples.map((own) => median(own.map(({ iops }) => iops)));
    const ratio = b === undefined ? "" : `   A/B ${(a! / b).toFixed(2)}`;
    console.log(`4k ${operation.padEnd(9)} d${String(depth).padEnd(3)} ${samples.map(show).join("  ")}${ratio}`);
  }
}
for (const subject of subjects) subject.close();
