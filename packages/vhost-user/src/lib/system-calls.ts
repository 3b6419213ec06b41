import { VhostUserError } from "./vhost-user-error.ts";

/** Seals of a memory file (`fcntl(2)`, F_ADD_SEALS). */
export const Seal = {
  /** No more seals. */
  SEAL: 1,
  /** It cannot become smaller: memory that is mapped stays there. */
  SHRINK: 2,
  /** It cannot become larger. */
  GROW: 4,
  /** It cannot be written. */
  WRITE: 8,
} as const;

/** What `fstat` and `fstatfs` say of a file descriptor. */
export interface FileStatus {
  /** A regular file, which memory files are, too. */
  readonly isFile: boolean;
  /** Bytes. */
  readonly size: number;
  /** Bytes of a page of the file: more than a page of memory on hugetlbfs. */
  readonly pageSize: number;
  /** `f_type`: what kind of file system it lies on, see `statfs(2)`. */
  readonly fileSystem: number;
}

/** What a file descriptor is ready for. */
export interface Readiness {
  readonly readable?: boolean;
  readonly writable?: boolean;
}

/** A file descriptor that is watched on the event loop. */
export interface Watcher {
  /** Changes what is waited for. Nothing of both: it rests. */
  setInterest(interest: Readiness): void;
  /** Ends it; no callback comes afterwards. Call it before the descriptor is closed. Harmless the second time. */
  close(): void;
}

/** Who hears of a watched file descriptor. */
export interface WatchListener {
  /** It is ready; it is told again and again until what made it ready is read or written. */
  onReady(readable: boolean, writable: boolean): void;
  /** The descriptor cannot be watched any more, or `onReady` threw. The watcher is closed. */
  onError(error: unknown): void;
}

/** How to map a file, see {@link SystemCalls.map}. */
export interface MapOptions {
  /** Changes stay with this process and the file is only read. Default: shared. */
  readonly private?: boolean;
  /** Replaces what is mapped at this address. Default: where there is room. */
  readonly at?: bigint;
}

/**
 * The system calls that vhost-user needs and Node does not have. Every one throws a {@link VhostUserError} with the errno
 * name as code where nothing else is said. None blocks.
 */
export interface SystemCalls {
  /** Bytes of a page of memory. */
  readonly pageSize: number;
  /** `close(2)`; errors are of no use to anybody, so there are none. */
  close(fd: number): void;
  /** `fcntl(2)`, F_DUPFD_CLOEXEC. */
  duplicate(fd: number): number;
  fileStatus(fd: number): FileStatus;
  /** True if both are open on the same file. */
  isSameFile(fd: number, other: number): boolean;
  /** `memfd_create(2)` and `ftruncate(2)`: memory of `size` bytes, all zero, that can be sealed. */
  createMemoryFile(name: string, size: number): number;
  /** `ftruncate(2)`. */
  truncate(fd: number, size: number): void;
  /** F_ADD_SEALS: bits of {@link Seal}. False if the file cannot be sealed. */
  addSeals(fd: number, seals: number): boolean;
  /** F_GET_SEALS: bits of {@link Seal}; null for a file that has none. */
  getSeals(fd: number): number | null;
  /** `mmap(2)`, readable and writable; `fd` null: anonymous memory. Offset and length are multiples of the page size. */
  map(fd: number | null, offset: number, length: number, options?: MapOptions): bigint;
  /** `munmap(2)`. No view of the range may be touched afterwards: that would end the process. */
  unmap(address: bigint, length: number): void;
  /** The bytes of mapped memory; up to 4 GiB (Node 20 aborts beyond). */
  view(address: bigint, length: number): ArrayBuffer;
  /** `mprotect(2)` to readable and executable. */
  makeExecutable(address: bigint, length: number): void;
  /** `sigaction(2)`, with SA_SIGINFO, SA_ONSTACK and SA_NODEFER; returns the handler that was there before. */
  setSignalHandler(signal: number, handler: bigint): bigint;
  /** `eventfd(2)`, not blocking. */
  createEvent(): number;
  /**
   * Takes an event (or all of a pipe's, 8 bytes at a time), and never waits for one, even if the descriptor blocks. False:
   * there is none, or the descriptor is broken.
   */
  readEvent(fd: number): boolean;
  /**
   * Signals an event, and never waits, even if the descriptor blocks. False: a pipe is full, which the peer sees as
   * signalled, or the descriptor is broken.
   */
  writeEvent(fd: number): boolean;
  /** Makes reading and writing return at once. */
  setNonBlocking(fd: number): void;
  /** A listening unix stream socket at `path` (at most 107 bytes). */
  listenUnix(path: string, backlog: number): number;
  /** The next connection, not blocking; null: there is none now. */
  accept(fd: number): number | null;
  /** A connected unix stream socket, not blocking. `EAGAIN`: the backlog is full. */
  connectUnix(path: string): number;
  /** Two connected unix stream sockets, not blocking. */
  socketPair(): [number, number];
  /** `shutdown(2)` of both directions: the peer reads the end of the connection. */
  shutdown(fd: number): void;
  /**
   * `recvmsg(2)` of up to `length` bytes into `buffer` from `offset` on; descriptors that came along are appended to `fds`.
   * Null: nothing is there now. 0: the peer has closed.
   * @throws VhostUserError `EPROTO` if more descriptors came than a message can have; those that came are in `fds`.
   */
  receive(fd: number, buffer: Uint8Array, offset: number, length: number, fds: number[]): number | null;
  /** `sendmsg(2)` of `bytes` with `fds`; returns how many bytes were sent. Null: no room now. */
  send(fd: number, bytes: Uint8Array, fds: readonly number[]): number | null;
  /** Watches a descriptor on the event loop. Regular files cannot be watched (`EPERM`). */
  watch(fd: number, interest: Readiness, listener: WatchListener): Watcher;
}

let loaded: Promise<SystemCalls> | undefined;

/**
 * Loads the system calls, once.
 * @throws VhostUserError (as a rejection) `NOT_LINUX` or `KOFFI_MISSING`.
 */
export function loadSystemCalls(): Promise<SystemCalls> {
  loaded ??= load();
  return loaded;
}

const PROCESSORS: readonly string[] = ["x64", "arm64", "riscv64"];

async function load(): Promise<SystemCalls> {
  if (process.platform !== "linux" || !PROCESSORS.includes(process.arch)) {
    const message = `vhost-user needs Linux on ${PROCESSORS.join(", ")}; this is ${process.platform} on ${process.arch}`;
    throw new VhostUserError(message, "NOT_LINUX");
  }
  const linux = await import("./linux-calls.ts");
  return linux.loadLinuxCalls();
}
