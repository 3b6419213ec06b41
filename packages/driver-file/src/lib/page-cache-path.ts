import { RequestFlag, type BlockRequest } from "@rehandle/driver-sdk";

import { NO_CACHED_READS, type CachedReader } from "./cached-reader.ts";
import { ALWAYS_WAITS, type CachedWriter } from "./cached-writer.ts";
import { CACHED_LIMIT, type ResolvedOptions } from "./file-driver-options.ts";
import type { SystemCalls } from "./system-calls.ts";

/**
 * Completions within completions. What comes deeper completes on a later turn of the event loop: a submitter that answers
 * each completion with a new request would otherwise grow the stack and keep everybody else waiting.
 */
const DEEPEST_COMPLETION = 16;

/** What `driverState` holds from when a request is done until it completes, on the next turn. */
export const DONE = "done";

/** Whom a {@link PageCachePath} tells. */
interface PageCacheHost {
  /** One more request is on this path. */
  begun(): void;
  /** It is done; the host completes it. */
  done(request: BlockRequest): void;
}

/** Serves reads and writes that have to wait for nothing, on the event loop. */
export class PageCachePath {
  readonly #fd: number;
  readonly #host: PageCacheHost;
  /** Null where it does not work or is not wanted. */
  #reader: CachedReader | null = null;
  #writer: CachedWriter | null = null;
  /** Completions within completions at the moment. */
  #depth = 0;
  #ready: BlockRequest[] = [];

  constructor(fd: number, options: ResolvedOptions, systemCalls: SystemCalls | null, host: PageCacheHost) {
    this.#fd = fd;
    this.#host = host;
    if (options.cacheDirect || systemCalls === null) return;
    if (options.cachedReads) this.#reader = systemCalls.cachedReader;
    if (options.cachedWrites) this.#writer = systemCalls.cachedWriter ?? null;
  }

  /** Serves the request if it can; else nothing that matters has happened, and it goes the long way. */
  serve(request: BlockRequest): boolean {
    if (request.length > CACHED_LIMIT || !this.#move(request)) return false;
    this.#host.begun();
    if (this.#depth === DEEPEST_COMPLETION) {
      request.driverState = DONE;
      if (this.#ready.push(request) === 1) setImmediate(this.#completeReady);
      return true;
    }
    this.#depth += 1;
    try {
      this.#host.done(request);
    } finally {
      this.#depth -= 1;
    }
    return true;
  }

  #move(request: BlockRequest): boolean {
    if (request.operation === "read") return this.#read(request);
    return request.operation === "write" && (request.flags & RequestFlag.FUA) === 0 && this.#write(request);
  }

  #read({ iov, offset, length }: BlockRequest): boolean {
    if (this.#reader === null) return false;
    const bytes = this.#reader.read(this.#fd, iov, offset, length);
    if (bytes === NO_CACHED_READS) this.#reader = null;
    return bytes === length;
  }

  /** What was written of a write that stopped half way is written again. */
  #write({ iov, offset, length }: BlockRequest): boolean {
    if (this.#writer === null) return false;
    const bytes = this.#writer.write(this.#fd, iov, offset);
    if (bytes === ALWAYS_WAITS) this.#writer = null;
    return bytes === length;
  }

  readonly #completeReady = (): void => {
    const ready = this.#ready;
    this.#ready = [];
    for (const request of ready) this.#host.done(request);
  };
}
