import os from "node:os";
import type { OutputParts } from "./output-parts.ts";

type Koffi = typeof import("koffi");

/** What a watched descriptor is watched for. */
export interface Interest {
  readonly readable: boolean;
  readonly writable: boolean;
  /** The peer closed its sending half, or all. It is told again and again, as the others are. */
  readonly disconnect: boolean;
}

/** What koffi gives back for a watched descriptor. It stops when it is collected as garbage. */
export interface PollHandle {
  start(interest: Interest, callback: PollCallback): void;
  stop(): void;
  close(): void;
}

/** koffi's callback is told a status (< 0: it is not watched any more) and the events, although its types say only the events. */
type PollCallback = (...told: readonly unknown[]) => void;

/** The calls on a connected, not blocking stream socket. Those that return a number return `-errno` when they fail. */
export interface SocketCalls {
  /** recv(2) into {@link received}, from its start. 0: the peer sends nothing more. */
  receive(fd: number): number;
  /** What {@link receive} fills; every socket's. */
  readonly received: Buffer;
  /** sendmsg(2) of all runs from number `from` on, the first of which without its first `skip` bytes; at most 1024 of them. */
  send(fd: number, parts: OutputParts, from: number, skip: number): number;
  /** shutdown(2) of the sending half. */
  shutdown(fd: number): void;
  /** fcntl(2), F_DUPFD_CLOEXEC. */
  duplicate(fd: number): number;
  close(fd: number): void;
  /** Asks for so many bytes of room for what was sent and not yet read; the system may give less. */
  setSendBuffer(fd: number, bytes: number): void;
  /** sched_yield(2): lets others run that wait for this processor. Returns at once if there are none. */
  giveWay(): void;
  poll(fd: number, interest: Interest, callback: PollCallback): PollHandle;
}

/** One receive takes up to this much. */
const RECEIVE_BUFFER = 256 * 1024;
/** IOV_MAX. */
const MOST_PARTS = 1024;
const TWO_TO_32 = 0x1_0000_0000;

const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const SHUT_WR = 1;
const F_DUPFD_CLOEXEC = 1030;
const SOL_SOCKET = 1;
const SO_SNDBUF = 7;

export const EAGAIN: number = os.constants.errno.EAGAIN;
export const EINTR: number = os.constants.errno.EINTR;

/**
 * Binds the calls. Memory is handed to the C library by its address as a number, which costs koffi least; nothing here can
 * move or go away while it is held.
 * @throws Error if the C library lacks one of them.
 */
export function createSocketCalls(koffi: Koffi): SocketCalls {
  const libc = koffi.load(null);
  const recv = libc.func("recv", "int64", ["int", "void *", "int64", "int"]);
  const shutdown = libc.func("shutdown", "int", ["int", "int"]);
  const fcntl = libc.func("fcntl", "int", ["int", "int", "int"]);
  const closeFd = libc.func("close", "int", ["int"]);
  const setsockopt = libc.func("setsockopt", "int", ["int", "int", "int", "void *", "int"]);
  const schedYield = libc.func("sched_yield", "int", []);
  const received = Buffer.allocUnsafeSlow(RECEIVE_BUFFER);
  const receivedAt = Number(koffi.address(received));
  const option = new BigUint64Array(16);
  const checked = (result: number): number => (result < 0 ? -koffi.errno() : result);
  return {
    received,
    receive: (fd) => checked(recv(fd, receivedAt, RECEIVE_BUFFER, MSG_DONTWAIT)),
    send: createSend(koffi),
    shutdown: (fd) => void shutdown(fd, SHUT_WR),
    duplicate: (fd) => checked(fcntl(fd, F_DUPFD_CLOEXEC, 3)),
    close: (fd) => void closeFd(fd),
    setSendBuffer(fd, bytes) {
      option[0] = BigInt(bytes);
      setsockopt(fd, SOL_SOCKET, SO_SNDBUF, koffi.address(option), 4);
    },
    giveWay: () => void schedYield(),
    poll: (fd, interest, callback) => koffi.node.poll(fd, interest, callback),
  };
}

/** The layouts are those of 64-bit, little-endian Linux. */
function createSend(koffi: Koffi): SocketCalls["send"] {
  const sendmsg = koffi.load(null).func("sendmsg", "int64", ["int", "void *", "int"]);
  const addressOf = createAddressOf(koffi);
  const vector = new BigUint64Array(2 * MOST_PARTS);
  const words = new Uint32Array(vector.buffer);
  // struct msghdr: name, its length, vector, its length, control data, its length, flags.
  const header = new BigUint64Array(16);
  header[2] = koffi.address(vector);
  const headerWords = new Uint32Array(header.buffer);
  const headerAt = Number(koffi.address(header));
  return (fd, parts, from, skip) => {
    const { bytes, starts, ends } = parts;
    const count = Math.min(parts.count - from, MOST_PARTS);
    let skipped = skip;
    for (let index = 0, word = 0; index < count; index += 1, word += 4) {
      const start = starts[from + index]! + skipped;
      skipped = 0;
      const address = addressOf(bytes[from + index]!) + start;
      words[word] = address % TWO_TO_32;
      words[word + 1] = address / TWO_TO_32;
      words[word + 2] = ends[from + index]! - start;
    }
    headerWords[6] = count;
    const sent: number = sendmsg(fd, headerAt, MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent < 0 ? -koffi.errno() : sent;
  };
}

/**
 * Where the first byte of a view is. Its memory stays where it is for as long as it has bytes, so it is asked for once, and
 * once for all views of it: thousands of writes that were held come with as many views.
 */
function createAddressOf(koffi: Koffi): (bytes: Uint8Array) => number {
  const known = new WeakMap<ArrayBufferLike, number>();
  return (bytes) => {
    if (bytes.length === 0) throw new RangeError("the memory of a buffer was transferred to somebody else");
    let address = known.get(bytes.buffer);
    if (address === undefined) {
      address = Number(koffi.address(bytes)) - bytes.byteOffset;
      known.set(bytes.buffer, address);
    }
    return address + bytes.byteOffset;
  };
}
