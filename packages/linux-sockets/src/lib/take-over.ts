import type { Socket } from "node:net";
import type { SocketCalls } from "./socket-calls.ts";

/** A connection that is no longer Node's. */
export interface TakenSocket {
  /** The connection's descriptor, whoever has this must close. */
  readonly fd: number;
  /** What Node had received and nobody had read. */
  readonly unread: Buffer;
}

/** The part of a socket's inner handle that is needed; Node gives no other way to its descriptor. */
interface SocketHandle {
  readonly fd?: unknown;
  readonly readStop?: unknown;
}

/**
 * Takes the connection out of a socket of node:net, which is destroyed by it; the connection stays. The caller takes its
 * listeners off first.
 * @returns null if this socket cannot be taken: it is not connected, has something to send, or is none of the system's.
 */
export function takeOver(calls: SocketCalls, socket: Socket): TakenSocket | null {
  if (socket.connecting || socket.destroyed || !socket.writable || socket.writableLength > 0) return null;
  const handle = (socket as unknown as { _handle?: SocketHandle | null })._handle;
  if (typeof handle?.fd !== "number" || handle.fd < 0 || typeof handle.readStop !== "function") return null;
  const fd = calls.duplicate(handle.fd);
  if (fd < 0) return null;
  // From here to the end nothing else runs, so that nothing can arrive in between.
  socket.pause();
  handle.readStop();
  const chunks: Buffer[] = [];
  for (let chunk = socket.read() as Buffer | null; chunk !== null; chunk = socket.read() as Buffer | null) {
    chunks.push(chunk);
  }
  socket.on("error", () => undefined);
  socket.destroy();
  return { fd, unread: Buffer.concat(chunks) };
}
