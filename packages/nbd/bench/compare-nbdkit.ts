/**
 * Compares this server on a memory driver with `nbdkit memory`: fio at both in turns, medians, and the ratio between them.
 * What counts is the ratio; the numbers themselves say how busy the machine was.
 *
 * Run: node --conditions=@rehandle/source bench/compare-nbdkit.ts [rounds] [seconds per run]
 * Needs the Debian packages fio and nbdkit.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const SIZE = 256 << 20;
const [rounds = 3, seconds = 2] = process.argv.slice(2).map(Number);
const workloads = [
  { name: "4k randread d32", rw: "randread", bs: "4k", depth: 32 },
  { name: "4k randwrite d32", rw: "randwrite", bs: "4k", depth: 32 },
  { name: "4k randread d1", rw: "randread", bs: "4k", depth: 1 },
  { name: "128k read d8", rw: "read", bs: "128k", depth: 8 },
  { name: "128k write d8", rw: "write", bs: "128k", depth: 8 },
];

interface Sample {
  iops: number;
  /** Processor time of the server, µs per request. */
  cpu: number;
}

/** User and system time of a process, ms. */
function cpuTime(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  // utime and stime, in ticks of 10 ms.
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function fio(socket: string, rw: string, bs: string, depth: number, time: number): { iops: number; requests: number } {
  const { stdout, stderr } = spawnSync("fio", [
    "--name=bench",
    "--ioengine=nbd",
    `--uri=nbd+unix:///?socket=${socket}`,
    `--rw=${rw}`,
    `--bs=${bs}`,
    `--iodepth=${depth}`,
    `--size=${SIZE}`,
    `--runtime=${time}`,
    "--time_based",
    "--output-format=json",
  ]);
  const text = stdout.toString();
  if (!text.includes("{")) throw new Error(`fio: ${text}${stderr.toString()}`);
  const { jobs } = JSON.parse(text.slice(text.indexOf("{"))) as {
    jobs: { read: { iops: number; total_ios: number }; write: { iops: number; total_ios: number } }[];
  };
  const { read, write } = jobs[0]!;
  return { iops: read.iops + write.iops, requests: read.total_ios + write.total_ios };
}

function measure(server: ChildProcess, socket: string, workload: (typeof workloads)[number]): Sample {
  const before = cpuTime(server.pid!);
  const { iops, requests } = fio(socket, workload.rw, workload.bs, workload.depth, seconds);
  return { iops, cpu: ((cpuTime(server.pid!) - before) * 1000) / requests };
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

function line(name: string, ours: Sample[], theirs: Sample[]): string {
  const iops = [ours, theirs].map((samples) => median(samples.map((sample) => sample.iops)));
  const cpu = [ours, theirs].map((samples) => median(samples.map((sample) => sample.cpu)));
  const cells = [...iops.map((n) => `${(n / 1000).toFixed(1)}k`), (iops[0]! / iops[1]!).toFixed(2)];
  const cpuCells = [...cpu.map((n) => n.toFixed(1)), (cpu[0]! / cpu[1]!).toFixed(2)];
  return `| ${[name, ...cells, ...cpuCells].join(" | ")} |`;
}

const directory = mkdtempSync(join(tmpdir(), "rehandle-nbd-bench-"));
const sockets = ["ours", "nbdkit"].map((name) => join(directory, name));
const [ours, theirs] = sockets as [string, string];
const script = join(import.meta.dirname, "memory-server.ts");
const servers = [
  spawn(process.execPath, ["--conditions=@rehandle/source", script, ours, `${SIZE}`], { stdio: "inherit" }),
  spawn("nbdkit", ["--foreground", "--unix", theirs, "memory", `${SIZE}`], { stdio: "inherit" }),
];
try {
  while (!sockets.every((socket) => existsSync(socket))) await sleep(20);
  // Once over the whole disk, so that both have the memory that they need.
  for (const socket of sockets) fio(socket, "write", "128k", 8, 1);
  console.log(
    "| workload | IOPS | nbdkit | ratio | CPU µs per request | nbdkit | ratio |\n|---|---|---|---|---|---|---|",
  );
  for (const workload of workloads) {
    const samples: [Sample[], Sample[]] = [[], []];
    for (let round = 0; round < rounds; round += 1) {
      for (const i of [0, 1] as const) samples[i].push(measure(servers[i]!, sockets[i]!, workload));
    }
    console.log(line(workload.name, ...samples));
  }
} finally {
  for (const server of servers) server.kill();
  rmSync(directory, { recursive: true, force: true });
}
