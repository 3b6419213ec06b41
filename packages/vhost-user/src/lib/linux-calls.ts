import fs from "node:fs";
import os from "node:os";
import type { CLibrary, Scratch } from "./c-library.ts";
import { createEventCalls } from "./event-calls.ts";
import { createSocketCalls } from "./socket-calls.ts";
import type { FileStatus, MapOptions, SystemCalls } from "./system-calls.ts";
import { VhostUserError } from "./vhost-user-error.ts";
import { createWatch } from "./watch.ts";

type Koffi = typeof import("koffi");

const NAME_OF_ERRNO: ReadonlyMap<number, string> = new Map(
  // Where there are two names, such as EAGAIN and EWOULDBLOCK, the first is the usual one.
  Object.entries(os.constants.errno)
    .toReversed()
    .map(([name, number]) => [number, name] as const),
);

const F_DUPFD_CLOEXEC = 1030;
const F_ADD_SEALS = 1033;
const F_GET_SEALS = 1034;
const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
const PROT_READ_WRITE = 3;
const PROT_READ_EXEC = 5;
const MAP_SHARED = 1;
const MAP_PRIVATE = 2;
const MAP_FIXED = 0x10;
const MAP_ANONYMOUS = 0x20;
const MAP_NORESERVE = 0x4000;
const MAP_FAILED = 0xffffffffffffffffn;
const SC_PAGESIZE = 30;
const FIONBIO = 0x5421;

/** Loads koffi, the only module that does. @throws VhostUserError (as a rejection) `KOFFI_MISSING`. */
export async function loadLinuxCalls(): Promise<SystemCalls> {
  const koffi = await importKoffi();
  const library = openLibrary(koffi);
  return {
    pageSize: library.number("int64_t sysconf(int name)")(SC_PAGESIZE),
    view: (address, length) => koffi.view(address, length),
    ...createFileCalls(library),
    ...createMemoryCalls(library),
    ...createEventCalls(library, mapScratch(library)),
    ...createSocketCalls(library, mapScratch(library)),
    setSignalHandler: createSignalCall(library),
    watch: createWatch(createProbe(library), (fd, interest, callback) => koffi.node.poll(fd, interest, callback)),
  };
}

async function importKoffi(): Promise<Koffi> {
  try {
    return await import("koffi");
  } catch (cause) {
    const message =
      "vhost-user needs the npm package koffi, an optional dependency that is not installed: npm install koffi";
    throw new VhostUserError(message, "KOFFI_MISSING", cause);
  }
}

function openLibrary(koffi: Koffi): CLibrary {
  const libc = koffi.load(null);
  return {
    number: (prototype) => libc.func(prototype),
    address: (prototype) => libc.func(prototype),
    failure(call) {
      const number = koffi.errno();
      const code = NAME_OF_ERRNO.get(number) ?? `E${number}`;
      return new VhostUserError(`${call}: ${code}`, code);
    },
    errno: () => koffi.errno(),
    view: (address, length) => koffi.view(address, length),
  };
}

const SCRATCH_BYTES = 16384;

function mapScratch(library: CLibrary): Scratch {
  const mmap = library.address(MMAP);
  const address = mmap(null, SCRATCH_BYTES, PROT_READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address === MAP_FAILED) throw library.failure("mmap");
  return { address, bytes: new Uint8Array(library.view(address, SCRATCH_BYTES)) };
}

const MMAP = "void *mmap(void *address, size_t length, int protection, int flags, int fd, int64_t offset)";

type FileCalls = Pick<
  SystemCalls,
  | "close"
  | "duplicate"
  | "fileStatus"
  | "isSameFile"
  | "createMemoryFile"
  | "truncate"
  | "addSeals"
  | "getSeals"
  | "setNonBlocking"
>;

function createFileCalls(library: CLibrary): FileCalls {
  const closeFd = library.number("int close(int fd)");
  const memfdCreate = library.number("int memfd_create(const char *name, unsigned int flags)");
  const ftruncate = library.number("int ftruncate(int fd, int64_t length)");
  const fcntl = library.number("int fcntl(int fd, int command, int argument)");
  const ioctl = library.number("int ioctl(int fd, unsigned long request, const void *argument)");
  const on = new Uint8Array(Int32Array.of(1).buffer);
  const truncate = (fd: number, size: number): void => {
    if (ftruncate(fd, size) !== 0) throw library.failure("ftruncate");
  };
  return {
    close: (fd) => void closeFd(fd),
    duplicate(fd) {
      const copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
      if (copy < 0) throw library.failure("fcntl");
      return copy;
    },
    fileStatus: createStatusCall(library),
    isSameFile(fd, other) {
      const [one, two] = [fd, other].map((each) => fs.fstatSync(each, { bigint: true }));
      return one?.dev === two?.dev && one?.ino === two?.ino;
    },
    createMemoryFile(name, size) {
      const fd = memfdCreate(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
      if (fd < 0) throw library.failure("memfd_create");
      try {
        truncate(fd, size);
      } catch (error) {
        closeFd(fd);
        throw error;
      }
      return fd;
    },
    truncate,
    addSeals: (fd, seals) => fcntl(fd, F_ADD_SEALS, seals) === 0,
    getSeals(fd) {
      const seals = fcntl(fd, F_GET_SEALS, 0);
      return seals < 0 ? null : seals;
    },
    setNonBlocking(fd) {
      if (ioctl(fd, FIONBIO, on) !== 0) throw library.failure("ioctl");
    },
  };
}

const EPOLL_CLOEXEC = 0o2000000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;

/** koffi ends the process when it is asked to watch what cannot be watched, such as a regular file: this asks before. */
function createProbe(library: CLibrary): (fd: number) => void {
  const epoll = library.number("int epoll_create1(int flags)")(EPOLL_CLOEXEC);
  if (epoll < 0) throw library.failure("epoll_create1");
  const control = library.number("int epoll_ctl(int epoll, int operation, int fd, void *event)");
  const event = new Uint8Array(16);
  return (fd) => {
    if (control(epoll, EPOLL_CTL_ADD, fd, event) !== 0) throw library.failure("epoll_ctl");
    control(epoll, EPOLL_CTL_DEL, fd, event);
  };
}

/** `f_type` of hugetlbfs. */
const HUGETLBFS = 0x958458f6;

function createStatusCall(library: CLibrary): (fd: number) => FileStatus {
  const fstatfs = library.number("int fstatfs(int fd, void *status)");
  const status = new Uint8Array(256);
  const fields = new DataView(status.buffer);
  const pageSize = library.number("int64_t sysconf(int name)")(SC_PAGESIZE);
  return (fd) => {
    if (fstatfs(fd, status) !== 0) throw library.failure("fstatfs");
    const fileSystem = Number(fields.getBigInt64(0, true));
    const stat = fs.fstatSync(fd);
    const blockSize = Number(fields.getBigInt64(8, true));
    return {
      isFile: stat.isFile(),
      size: stat.size,
      pageSize: fileSystem === HUGETLBFS ? blockSize : pageSize,
      fileSystem,
    };
  };
}

type MemoryCalls = Pick<SystemCalls, "map" | "unmap" | "makeExecutable">;

function createMemoryCalls(library: CLibrary): MemoryCalls {
  const mmap = library.address(MMAP);
  const munmap = library.number("int munmap(void *address, size_t length)");
  const mprotect = library.number("int mprotect(void *address, size_t length, int protection)");
  return {
    map(fd, offset, length, options) {
      const flags = mapFlags(fd, options);
      const address = mmap(options?.at ?? null, length, PROT_READ_WRITE, flags, fd ?? -1, offset);
      if (address === MAP_FAILED) throw library.failure("mmap");
      return address;
    },
    unmap(address, length) {
      if (munmap(address, length) !== 0) throw library.failure("munmap");
    },
    makeExecutable(address, length) {
      if (mprotect(address, length, PROT_READ_EXEC) !== 0) throw library.failure("mprotect");
    },
  };
}

function mapFlags(fd: number | null, options: MapOptions | undefined): number {
  const sharing = fd === null || options?.private === true ? MAP_PRIVATE : MAP_SHARED;
  const anonymous = fd === null ? MAP_ANONYMOUS : 0;
  return sharing | anonymous | (options?.at === undefined ? 0 : MAP_FIXED) | MAP_NORESERVE;
}

/** struct sigaction of the C library: handler, 128 bytes of mask, flags, restorer. */
const SIGACTION_BYTES = 152;
const SIGACTION_FLAGS = 136;
const SA_SIGINFO_ONSTACK_NODEFER = 0x48000004;

function createSignalCall(library: CLibrary): SystemCalls["setSignalHandler"] {
  const sigaction = library.number("int sigaction(int signal, const void *action, void *previous)");
  return (signal, handler) => {
    const action = new Uint8Array(SIGACTION_BYTES);
    const fields = new DataView(action.buffer);
    fields.setBigUint64(0, handler, true);
    fields.setUint32(SIGACTION_FLAGS, SA_SIGINFO_ONSTACK_NODEFER, true);
    const previous = new Uint8Array(SIGACTION_BYTES);
    if (sigaction(signal, action, previous) !== 0) throw library.failure("sigaction");
    return new DataView(previous.buffer).getBigUint64(0, true);
  };
}
