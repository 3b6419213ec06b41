import type { CLibrary, Scratch } from "./c-library.ts";
import type { SystemCalls } from "./system-calls.ts";
import { protocolError, VhostUserError } from "./vhost-user-error.ts";

const AF_UNIX = 1;
const SOCK_STREAM_CLOEXEC_NONBLOCK = 0o2004001;
const SHUT_RDWR = 2;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_CTRUNC = 8;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x40000000;
const ADDRESS_BYTES = 110;
const LONGEST_PATH = 107;
const EAGAIN = 11;
const EINTR = 4;

/** Most descriptors that a message of vhost-user carries (VHOST_MEMORY_BASELINE_NREGIONS of them). */
const MAX_FDS = 8;

/** Places in the scratch memory: struct msghdr, struct iovec, control data (16 bytes and the descriptors), data. */
const HEADER = 0;
const VECTOR = 64;
const CONTROL = 128;
const DATA = 1024;

type SocketCalls = Pick<
  SystemCalls,
  "shutdown" | "listenUnix" | "accept" | "connectUnix" | "socketPair" | "receive" | "send"
>;

/** Unix sockets with file descriptors. The layouts are those of 64-bit, little-endian Linux. */
export function createSocketCalls(library: CLibrary, scratch: Scratch): SocketCalls {
  return { ...createConnectionCalls(library), ...createMessageCalls(library, scratch) };
}

function createConnectionCalls(library: CLibrary): Omit<SocketCalls, "receive" | "send"> {
  const closeFd = library.number("int close(int fd)");
  const socket = library.number("int socket(int domain, int type, int protocol)");
  const socketpair = library.number("int socketpair(int domain, int type, int protocol, void *fds)");
  const shutdown = library.number("int shutdown(int fd, int how)");
  const bind = library.number("int bind(int fd, const void *address, unsigned int length)");
  const listen = library.number("int listen(int fd, int backlog)");
  const connect = library.number("int connect(int fd, const void *address, unsigned int length)");
  const accept4 = library.number("int accept4(int fd, void *address, void *length, int flags)");
  const check = (fd: number, call: string, result: number): void => {
    if (result === 0) return;
    const failure = library.failure(call);
    closeFd(fd);
    throw failure;
  };
  const open = (): number => {
    const fd = socket(AF_UNIX, SOCK_STREAM_CLOEXEC_NONBLOCK, 0);
    if (fd < 0) throw library.failure("socket");
    return fd;
  };
  return {
    shutdown: (fd) => void shutdown(fd, SHUT_RDWR),
    listenUnix(path, backlog) {
      const address = encodeAddress(path);
      const fd = open();
      check(fd, `bind ${path}`, bind(fd, address, address.length));
      check(fd, `listen ${path}`, listen(fd, backlog));
      return fd;
    },
    accept(fd) {
      const connection = accept4(fd, null, null, SOCK_STREAM_CLOEXEC_NONBLOCK & ~1);
      if (connection >= 0) return connection;
      if (library.errno() === EAGAIN || library.errno() === EINTR) return null;
      throw library.failure("accept");
    },
    connectUnix(path) {
      const address = encodeAddress(path);
      const fd = open();
      check(fd, `connect ${path}`, connect(fd, address, address.length));
      return fd;
    },
    socketPair() {
      const pair = new Int32Array(2);
      const result = socketpair(AF_UNIX, SOCK_STREAM_CLOEXEC_NONBLOCK, 0, new Uint8Array(pair.buffer));
      if (result !== 0) throw library.failure("socketpair");
      return [pair[0] ?? -1, pair[1] ?? -1];
    },
  };
}

/** struct sockaddr_un. */
function encodeAddress(path: string): Uint8Array {
  const name = new TextEncoder().encode(path);
  if (name.length > LONGEST_PATH || name.length === 0 || name.includes(0)) {
    const message = `UNIX socket path '${path}' must have 1 to ${LONGEST_PATH} bytes`;
    throw new VhostUserError(message, name.length > LONGEST_PATH ? "ENAMETOOLONG" : "EINVAL");
  }
  const address = new Uint8Array(ADDRESS_BYTES);
  address[0] = AF_UNIX;
  address.set(name, 2);
  return address;
}

function createMessageCalls(library: CLibrary, scratch: Scratch): Pick<SocketCalls, "receive" | "send"> {
  const recvmsg = library.number("int64_t recvmsg(int fd, void *message, int flags)");
  const sendmsg = library.number("int64_t sendmsg(int fd, const void *message, int flags)");
  const closeFd = library.number("int close(int fd)");
  const fields = new DataView(scratch.bytes.buffer);
  const room = scratch.bytes.length - DATA;
  const header = scratch.address + BigInt(HEADER);
  return {
    receive(fd, buffer, offset, length, fds) {
      const most = Math.min(length, room);
      prepare(fields, scratch, most, 16 + 4 * MAX_FDS);
      const received = recvmsg(fd, header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
      if (received < 0) return wouldBlock(library, "recvmsg");
      const whole = takeDescriptors(fields, fds, closeFd);
      buffer.set(scratch.bytes.subarray(DATA, DATA + received), offset);
      if (!whole) throw protocolError(`a message came with more than ${MAX_FDS} file descriptors`);
      return received;
    },
    send(fd, bytes, fds) {
      const most = Math.min(bytes.length, room);
      const control = fds.length === 0 ? 0 : 16 + 4 * fds.length;
      prepare(fields, scratch, most, (control + 7) & ~7);
      scratch.bytes.set(bytes.subarray(0, most), DATA);
      if (control > 0) putDescriptors(fields, fds, control);
      const sent = sendmsg(fd, header, MSG_DONTWAIT | MSG_NOSIGNAL);
      return sent < 0 ? wouldBlock(library, "sendmsg") : sent;
    },
  };
}

function wouldBlock(library: CLibrary, call: string): null {
  if (library.errno() === EAGAIN || library.errno() === EINTR) return null;
  throw library.failure(call);
}

/** Fills in struct msghdr for `length` bytes of data and `control` bytes of room for descriptors. */
function prepare(fields: DataView, scratch: Scratch, length: number, control: number): void {
  for (let at = HEADER; at < DATA; at += 8) fields.setBigUint64(at, 0n, true);
  fields.setBigUint64(HEADER + 16, scratch.address + BigInt(VECTOR), true);
  fields.setBigUint64(HEADER + 24, 1n, true);
  fields.setBigUint64(HEADER + 32, control === 0 ? 0n : scratch.address + BigInt(CONTROL), true);
  fields.setBigUint64(HEADER + 40, BigInt(control), true);
  fields.setBigUint64(VECTOR, scratch.address + BigInt(DATA), true);
  fields.setBigUint64(VECTOR + 8, BigInt(length), true);
}

function putDescriptors(fields: DataView, fds: readonly number[], length: number): void {
  if (fds.length > MAX_FDS) throw new VhostUserError(`at most ${MAX_FDS} descriptors in a message`, "EINVAL");
  fields.setBigUint64(CONTROL, BigInt(length), true);
  fields.setInt32(CONTROL + 8, SOL_SOCKET, true);
  fields.setInt32(CONTROL + 12, SCM_RIGHTS, true);
  for (const [index, fd] of fds.entries()) fields.setInt32(CONTROL + 16 + 4 * index, fd, true);
}

/** Appends what came along. False if there were more than fit (the kernel has closed those), or than a message may have. */
function takeDescriptors(fields: DataView, fds: number[], closeFd: (fd: number) => number): boolean {
  let whole = (fields.getInt32(HEADER + 48, true) & MSG_CTRUNC) === 0;
  const end = CONTROL + Number(fields.getBigUint64(HEADER + 40, true));
  for (let at = CONTROL; at + 16 <= end;) {
    const length = Number(fields.getBigUint64(at, true));
    if (length < 16) break;
    const isRights = fields.getInt32(at + 8, true) === SOL_SOCKET && fields.getInt32(at + 12, true) === SCM_RIGHTS;
    for (let place = at + 16; isRights && place + 4 <= at + length; place += 4) {
      const fd = fields.getInt32(place, true);
      if (fds.length < MAX_FDS) {
        fds.push(fd);
      } else {
        closeFd(fd);
        whole = false;
      }
    }
    at += (length + 7) & ~7;
  }
  return whole;
}
