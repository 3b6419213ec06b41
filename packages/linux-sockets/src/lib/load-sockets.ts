import type { Socket } from "node:net";
import { RawSocket, type SocketSink } from "./raw-socket.ts";
import { createSocketCalls, type SocketCalls } from "./socket-calls.ts";
import { takeOver, type TakenSocket } from "./take-over.ts";

/** Stream sockets by system calls. */
export interface Sockets {
  /**
   * Takes the connection out of a socket of node:net; see {@link TakenSocket}. The socket must not be one of node:tls.
   * @returns null if this socket cannot be taken; nothing has happened then.
   */
  take(socket: Socket): TakenSocket | null;
  /**
   * Drives a descriptor that was taken.
   * @param now milliseconds since an arbitrary start, with fractions; needed only for a sink that may expect more
   */
  open(taken: TakenSocket, sink: SocketSink, now?: () => number): RawSocket;
}

/** Room for what was sent and not yet read, bytes: a batch of large replies. The system's bound may be lower. */
const SEND_BUFFER = 1024 * 1024;

let loaded: Promise<Sockets | null> | undefined;

/**
 * The system calls, or null where they cannot be had: off 64-bit little-endian Linux, without the package `koffi`, or where
 * Node was told not to load native addons. The answer is kept for the life of the process. It never rejects.
 */
export function loadSockets(): Promise<Sockets | null> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<Sockets | null> {
  if (process.platform !== "linux" || (process.arch !== "x64" && process.arch !== "arm64")) return null;
  try {
    return bind(createSocketCalls(await import("koffi")));
  } catch {
    return null;
  }
}

function bind(calls: SocketCalls): Sockets {
  return {
    take: (socket) => takeOver(calls, socket),
    open({ fd }, sink, now) {
      calls.setSendBuffer(fd, SEND_BUFFER);
      return new RawSocket(calls, fd, sink, now);
    },
  };
}
