/**
 * What the driver costs next to plain fs.read and fs.write, in one process on one file in the page cache. Run it with
 *
 *     node --conditions=@rehandle/source packages/driver-file/bench/throughput.ts
 *
 * Numbers of different runs do not compare; the ratios of one run do. Every line is the median of some rounds, in which the
 * ways take turns.
 */
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import {
  createRandom,
  createRequest,
  createSystemClock,
  type BlockDriver,
  type BlockRequest,
} from "@rehandle/driver-sdk";

import { createFileDriver, type FileDriverOptions } from "../src/index.ts";

const MIB = 1_048_576;
const FILE = 64 * MIB;
const ROUNDS = 5;

type Direction = "read" | "write";
/** Moves `count` blocks with `depth` under way; resolves when all are done. */
type Way = (direction: Direction, length: number, depth: number, count: number) => Promise<void>;

function offsetOf(index: number, length: number): number {
  return ((index * 7919) % (FILE / length)) * length;
}

function plain(fd: number): Way {
  return (direction, length, depth, count) =>
    new Promise((resolve, reject) => {
      let sent = 0;
      let done = 0;
      const next = (buffer: Uint8Array): void => {
        if (sent === count) return;
        const position = offsetOf(sent, length);
        sent += 1;
        const ended = (error: Error | null): void => {
          if (error !== null) reject(error);
          done += 1;
          if (done === count) resolve();
          else next(buffer);
        };
        if (direction === "read") fs.read(fd, buffer, 0, length, position, ended);
        else fs.write(fd, buffer, 0, length, position, ended);
      };
      for (let lane = 0; lane < depth; lane += 1) next(new Uint8Array(length));
    });
}

function through(driver: BlockDriver): Way {
  return (direction, length, depth, count) =>
    new Promise((resolve, reject) => {
      let sent = 0;
      let done = 0;
      const next = (request: BlockRequest): void => {
        if (sent === count) return;
        request.offset = offsetOf(sent, length);
        sent += 1;
        driver.submit(request);
      };
      const complete = (request: BlockRequest, error: Error | null): void => {
        if (error !== null) reject(error);
        done += 1;
        if (done === count) resolve();
        else next(request);
      };
      for (let lane = 0; lane < depth; lane += 1) {
        next(createRequest({ operation: direction, length, iov: [new Uint8Array(length)], complete }));
      }
    });
}

async function measure(
  way: Way,
  direction: Direction,
  length: number,
  depth: number,
  count: number,
): Promise<number[]> {
  const cpu = process.cpuUsage();
  const start = process.hrtime.bigint();
  await way(direction, length, depth, count);
  const wall = Number(process.hrtime.bigint() - start) / 1000;
  const used = process.cpuUsage(cpu);
  return [wall / count, (used.user + used.system) / count];
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Wall clock and CPU time per request, each with its ratio to the first way's. */
function line(name: string, values: number[], base: number[]): string {
  const cells = values.map((value, field) => {
    const ratio = value / (base[field] ?? Number.NaN);
    return `${value.toFixed(2).padStart(8)} µs ${["wall", "CPU"][field]} (× ${ratio.toFixed(2)})`;
  });
  return `  ${name.padEnd(42)} ${cells.join("  ")}`;
}

const folder = fs.mkdtempSync(join(tmpdir(), "rehandle-bench-"));
const filename = join(folder, "disk.img");
fs.writeFileSync(filename, new Uint8Array(FILE).fill(1));
const fd = fs.openSync(filename, "r+");

const drivers: BlockDriver[] = [];
async function driverWith(options: Partial<FileDriverOptions>): Promise<Way> {
  const driver = createFileDriver({ filename, ...options });
  await driver.open({ clock: createSystemClock(), random: createRandom(1), held: false, onEvent: () => {} });
  drivers.push(driver);
  return through(driver);
}

const ways: [string, Way][] = [
  ["plain fs", plain(fd)],
  ["driver, as it comes", await driverWith({})],
  ["driver, cachedReads off", await driverWith({ cachedReads: false })],
  ["driver, cachedReads off, 64 KiB copied", await driverWith({ cachedReads: false, copyLimit: 65_536 })],
  ["driver, cachedReads off, nothing copied", await driverWith({ cachedReads: false, copyLimit: 0 })],
];

try {
  for (const direction of ["read", "write"] as const) {
    for (const [length, depth, count] of [
      [4096, 1, 4000],
      [4096, 32, 20_000],
      [16_384, 32, 10_000],
      [65_536, 32, 6000],
    ] as const) {
      const rounds = ways.map(() => [] as number[][]);
      for (let round = 0; round < ROUNDS; round += 1) {
        for (const [index, [, way]] of ways.entries()) {
          rounds[index]?.push(await measure(way, direction, length, depth, count));
        }
      }
      console.log(`\n${direction} of ${length / 1024} KiB, ${depth} under way`);
      const lines = rounds.map((values) => [0, 1].map((field) => median(values.map((value) => value[field] ?? 0))));
      const [base] = lines;
      for (const [index, [name]] of ways.entries()) console.log(line(name, lines[index] ?? [], base ?? []));
    }
  }
} finally {
  for (const driver of drivers) await driver.close();
  fs.closeSync(fd);
  fs.rmSync(folder, { recursive: true });
}
