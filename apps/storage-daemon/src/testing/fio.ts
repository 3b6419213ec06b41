import type { Process, Sandbox } from "./sandbox.ts";

/** What fio said at its end. */
export interface FioResult {
  readonly code: number | string;
  readonly errors: number;
  readonly reads: number;
  readonly writes: number;
  /** Longest completion latency, ms. */
  readonly longestMs: number;
  readonly stderr: string;
}

/** A load of verified reads and writes. */
export interface FioOptions {
  readonly uri: string;
  readonly seconds: number;
  /** Bytes of the area that it works on. */
  readonly size: number;
  /** Most I/Os in a second, so that a small machine has time for the rest. */
  readonly rate?: number;
}

/** Starts fio: random writes at queue depth 16, each read back and verified. */
export function startFio(sandbox: Sandbox, { uri, seconds, size, rate = 1000 }: FioOptions): Process {
  return sandbox.start("fio", [
    "--name=verify",
    "--ioengine=nbd",
    `--uri=${uri}`,
    "--rw=randwrite",
    "--bs=4k",
    "--iodepth=16",
    `--size=${size}`,
    "--verify=crc32c",
    "--verify_fatal=1",
    "--verify_backlog=64",
    "--serialize_overlap=1",
    "--time_based",
    `--runtime=${seconds}`,
    `--rate_iops=${rate}`,
    "--output-format=json",
  ]);
}

/** Waits for fio's end. */
export async function fioResult(fio: Process): Promise<FioResult> {
  const code = await fio.ended;
  const text = fio.stdout + fio.stderr;
  const start = fio.stdout.indexOf("{");
  if (start < 0) throw new Error(`fio ended with ${code}: ${text}`);
  const parsed = JSON.parse(fio.stdout.slice(start)) as { jobs: FioJob[] };
  const job = parsed.jobs[0];
  if (job === undefined) throw new Error(`fio ran no job: ${text}`);
  return {
    code,
    errors: job.error + (job.total_err ?? 0),
    reads: job.read.total_ios,
    writes: job.write.total_ios,
    longestMs: Math.max(job.read.clat_ns.max, job.write.clat_ns.max) / 1e6,
    stderr: fio.stderr,
  };
}

interface FioDirection {
  readonly total_ios: number;
  readonly clat_ns: { readonly max: number };
}

interface FioJob {
  readonly error: number;
  readonly total_err?: number;
  readonly read: FioDirection;
  readonly write: FioDirection;
}
