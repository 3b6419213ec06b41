import { createBatchContexts, type BatchContexts } from "./batch-context.ts";
import { admit, release } from "./call-admission.ts";
import type { CachedReader } from "./cached-reader.ts";
import type { CachedWriter } from "./cached-writer.ts";
import type { Done, SystemError } from "./file-system.ts";
import { createPageCacheReader } from "./page-cache-reader.ts";
import { createPageCacheWriter } from "./page-cache-writer.ts";
import { systemError } from "./system-error.ts";

/** Modes of fallocate(2), `linux/falloc.h`. */
export const FallocateMode = {
  /** No bit at all: allocates blocks that are missing. */
  ALLOCATE: 0,
  /** The file does not become longer. */
  KEEP_SIZE: 1,
  /** Frees blocks, which then read as zeroes; only together with KEEP_SIZE. */
  PUNCH_HOLE: 2,
  /** Blocks read as zeroes and stay allocated. */
  ZERO_RANGE: 16,
} as const;

/** Whence of lseek(2) for sparse files. */
export const SeekWhence = {
  /** The first byte at or after the offset that is not in a hole; `ENXIO` if there is none. */
  DATA: 3,
  /** The first byte at or after the offset that is in a hole; the end of the file counts as one. */
  HOLE: 4,
} as const;

/**
 * System calls that Node does not have. {@link loadSystemCalls} makes them with the optional package `koffi`; a test may
 * give its own.
 */
export interface SystemCalls {
  /** fallocate(2), off the event loop. */
  fallocate(fd: number, mode: number, offset: number, length: number, done: Done): void;
  /** lseek(2), off the event loop. It moves the file's offset, which nobody here uses. */
  seek(fd: number, offset: number, whence: number, done: (error: SystemError, position: number) => void): void;
  /** Reads what the page cache holds without waiting, on the event loop; null where the system has no such thing. */
  readonly cachedReader: CachedReader | null;
  /** Writes to the page cache without waiting, on the event loop; null or left out where the system has no such thing. */
  readonly cachedWriter?: CachedWriter | null;
  /** Many writes in one trip through the thread pool; null or left out where the system has no such thing. */
  readonly batchContexts?: BatchContexts | null;
}

type Koffi = typeof import("koffi");
type AsyncCall = (...parameters: [...unknown[], (error: unknown, result: number) => void]) => void;

let loaded: Promise<SystemCalls | null> | undefined;

/**
 * The system calls, or null where they cannot be had: off Linux, without the package `koffi`, or where Node was told not
 * to load native addons. The answer is kept for the life of the process. It never rejects.
 */
export function loadSystemCalls(): Promise<SystemCalls | null> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<SystemCalls | null> {
  if (process.platform !== "linux") return null;
  try {
    return bind(await import("koffi"));
  } catch {
    return null;
  }
}

function bind(koffi: Koffi): SystemCalls {
  const libc = koffi.load(null);
  // The names with 64 mean the same on every C library that has them; musl has only the plain names, 64 bits wide.
  const named = (name: string, result: string, parameters: string[]): { async: AsyncCall } => {
    try {
      return libc.func(`${name}64`, result, parameters);
    } catch {
      return libc.func(name, result, parameters);
    }
  };
  const fallocate = named("fallocate", "int", ["int", "int", "int64", "int64"]);
  const lseek = named("lseek", "int64", ["int", "int64", "int"]);

  /** Runs one call on the thread pool. koffi shows the errno of that thread while it runs the callback. */
  function run(
    name: string,
    call: AsyncCall,
    parameters: number[],
    done: (error: SystemError, result: number) => void,
  ) {
    admit(() => {
      call(...parameters, (failure, result) => {
        const errno = koffi.errno();
        release();
        if (failure instanceof Error) done(failure, -1);
        else done(result < 0 ? systemError(errno, name) : null, result);
      });
    });
  }

  return {
    fallocate: (fd, mode, offset, length, done) =>
      run("fallocate", fallocate.async, [fd, mode, offset, length], (error) => done(error)),
    seek: (fd, offset, whence, done) => run("lseek", lseek.async, [fd, offset, whence], done),
    cachedReader: createPageCacheReader(koffi),
    cachedWriter: createPageCacheWriter(koffi),
    batchContexts: createBatchContexts(koffi),
  };
}
