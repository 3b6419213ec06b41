import type { SystemCalls } from "../system-calls.ts";
import { DirtyLog, dirtyLogLength } from "./dirty-log.ts";

/** A dirty log in a memory file, as a back end is told of it. */
export class SharedLog {
  readonly fd: number;
  /** Bytes of it. */
  readonly size: number;
  readonly log: DirtyLog;
  readonly #calls: SystemCalls;

  /** @param end First guest address behind all memory. */
  constructor(calls: SystemCalls, end: number) {
    this.#calls = calls;
    this.size = Math.ceil(dirtyLogLength(end) / calls.pageSize) * calls.pageSize;
    this.fd = calls.createMemoryFile("dirty-log", this.size);
    // It stays mapped for whoever still has the log; the log of a terabyte is 32 MiB.
    this.log = new DirtyLog(new Uint8Array(calls.view(calls.map(this.fd, 0, this.size), this.size)));
  }

  /** Closes the descriptor; the log stays readable. */
  close(): void {
    this.#calls.close(this.fd);
  }
}
