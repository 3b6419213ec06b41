import { readFileSync, writeFileSync } from "node:fs";

/** Memory of a process, bytes. */
export interface MemoryFigures {
  /** Greatest resident size since the process began or `resetPeakMemory`, with pages of files. */
  readonly peak: number;
  /** Resident size, with pages of files that it shares with others. */
  readonly resident: number;
  /** Of that, what is the process's own: neither files nor shared memory. */
  readonly anonymous: number;
}

/** Length of a tick in `/proc/<pid>/stat`, µs: USER_HZ is 100 on every architecture that Node runs on. */
const TICK = 10_000;

/** User and system time of a process and all threads that it ever had, µs, by `/proc/<pid>/stat`. */
export function cpuTime(pid: number): number {
  return parseCpuTime(readFileSync(`/proc/${pid}/stat`, "utf8"));
}

/** The fields utime and stime (14 and 15); the name of the program before them may have spaces and brackets. */
export function parseCpuTime(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK;
}

/** What `/proc/<pid>/status` says. */
export function memoryOf(pid: number): MemoryFigures {
  return parseMemory(readFileSync(`/proc/${pid}/status`, "utf8"));
}

export function parseMemory(status: string): MemoryFigures {
  const bytes = (key: string): number => Number(new RegExp(`^${key}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) * 1024;
  return { peak: bytes("VmHWM"), resident: bytes("VmRSS"), anonymous: bytes("RssAnon") };
}

/** Lets `MemoryFigures.peak` begin anew; without the right to do so it goes on as it was. */
export function resetPeakMemory(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, "5");
  } catch {
    // Some containers forbid it. The peak is then that of the whole life of the process, which is no less.
  }
}
