import type { CLibrary, Scratch } from "./c-library.ts";
import type { SystemCalls } from "./system-calls.ts";

const EFD_CLOEXEC_NONBLOCK = 0o2004000;
const RWF_NOWAIT = 8;
const EOPNOTSUPP = 95;
const EINVAL = 22;

/** Numbers of io_setup(2) and io_submit(2), which the C library has no functions for. */
const IO_SETUP = process.arch === "x64" ? 206 : 0;
const IO_SUBMIT = process.arch === "x64" ? 209 : 2;
const IOCB_CMD_POLL = 5;
const IOCB_FLAG_RESFD = 1;
const POLLOUT = 4;
const CONTEXT_EVENTS = 64;

/** Places in the scratch memory: struct iovec, its 8 bytes, the context, the list of one struct iocb, and that. */
const VECTOR = 0;
const VALUE = 16;
const CONTEXT = 24;
const LIST = 32;
const IOCB = 64;
/** Words of 4 bytes in struct aio_ring. */
const RING_HEAD = 2;
const RING_TAIL = 3;

type EventCalls = Pick<SystemCalls, "createEvent" | "readEvent" | "writeEvent">;

/**
 * Events of a peer that may be hostile. That a descriptor does not block is a property which the peer shares, and can take
 * back at any time: the calls themselves must not block, whatever the descriptor.
 */
export function createEventCalls(library: CLibrary, scratch: Scratch): EventCalls {
  const eventfd = library.number("int eventfd(unsigned int initial, int flags)");
  const fields = new DataView(scratch.bytes.buffer);
  fields.setBigUint64(VECTOR, scratch.address + BigInt(VALUE), true);
  fields.setBigUint64(VECTOR + 8, 8n, true);
  const createEvent = (): number => {
    const fd = eventfd(0, EFD_CLOEXEC_NONBLOCK);
    if (fd < 0) throw library.failure("eventfd");
    return fd;
  };
  const write = createWrite(library, scratch, fields);
  const signal = createSignal(library, scratch, fields, createEvent);
  return {
    createEvent,
    readEvent: createRead(library, scratch),
    writeEvent: (fd) => signal(fd) ?? write(fd),
  };
}

function createRead(library: CLibrary, scratch: Scratch): (fd: number) => boolean {
  const preadv2 = library.number("int64_t preadv2(int fd, const void *vector, int count, int64_t offset, int flags)");
  const read = library.number("int64_t read(int fd, void *buffer, size_t length)");
  const taken = new Uint8Array(8);
  return (fd) => {
    const result = preadv2(fd, scratch.address, 1, -1, RWF_NOWAIT);
    // Not an eventfd, or an old kernel.
    if (result < 0 && library.errno() === EOPNOTSUPP) return read(fd, taken, 8) > 0;
    return result > 0;
  };
}

function createWrite(library: CLibrary, scratch: Scratch, fields: DataView): (fd: number) => boolean {
  const pwritev2 = library.number("int64_t pwritev2(int fd, const void *vector, int count, int64_t offset, int flags)");
  const write = library.number("int64_t write(int fd, const void *buffer, size_t length)");
  const one = new Uint8Array(BigUint64Array.of(1n).buffer);
  return (fd) => {
    fields.setBigUint64(VALUE, 1n, true);
    const result = pwritev2(fd, scratch.address, 1, -1, RWF_NOWAIT);
    if (result < 0 && library.errno() === EOPNOTSUPP) return write(fd, one, 8) > 0;
    return result > 0;
  };
}

/**
 * Signals eventfds as the kernel does it, by an asynchronous operation that ends at once: a write would wait while the counter
 * is full. Null: it is not an eventfd, or there is no asynchronous I/O here.
 */
function createSignal(
  library: CLibrary,
  scratch: Scratch,
  fields: DataView,
  createEvent: () => number,
): (fd: number) => boolean | null {
  const syscall = library.number("int64_t syscall(int64_t number, int64_t context, int64_t count, int64_t list)");
  if (syscall(IO_SETUP, CONTEXT_EVENTS, scratch.address + BigInt(CONTEXT), 0) !== 0) return () => null;
  const context = fields.getBigUint64(CONTEXT, true);
  const ring = new Uint32Array(library.view(context, 32));
  const list = scratch.address + BigInt(LIST);
  fields.setBigUint64(LIST, scratch.address + BigInt(IOCB), true);
  fields.setUint16(IOCB + 16, IOCB_CMD_POLL, true);
  fields.setUint32(IOCB + 20, createEvent(), true);
  fields.setBigUint64(IOCB + 24, BigInt(POLLOUT), true);
  fields.setUint32(IOCB + 56, IOCB_FLAG_RESFD, true);
  return (fd) => {
    fields.setUint32(IOCB + 60, fd, true);
    const submitted = syscall(IO_SUBMIT, context, 1, list);
    // Nobody reads the results.
    ring[RING_HEAD] = ring[RING_TAIL] ?? 0;
    if (submitted === 1) return true;
    return library.errno() === EINVAL ? null : false;
  };
}
