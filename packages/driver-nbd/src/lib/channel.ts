import type { Clock } from "@rehandle/driver-sdk";
import { OutputParts, type RawSocket, type Sockets, type SocketSink } from "@rehandle/linux-sockets";
import { connect as connectSocket, type OnReadOpts, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import type { NbdServerAddress } from "./driver-options.ts";
import { tcpConnectOptions } from "./inet-family.ts";

/** Hears what a {@link Channel} brings. */
export interface ChannelSink {
  /** `length` bytes arrived at the start of `buffer`, which is used again after this call. */
  data(buffer: Uint8Array, length: number): void;
  /** True if many answers are still to come: see `SocketSink`. Absent: never. */
  expectsMore?(): boolean;
  /** The other end is gone (`null`: it closed in good order), or the channel broke. Called once, and nothing comes after it. */
  closed(error: Error | null): void;
}

/** One read takes up to this much. */
const RECEIVE_BUFFER = 256 * 1024;
/** What a failed try has not used, for the next one: there may be fifty in a second for as long as the server is away. */
let spareBuffer: Buffer | null = null;
/** Idle time after which the kernel asks whether the other end still lives, ms. Node then asks 10 times, once a second. */
const KEEPALIVE_MS = 5000;

/** A stream of bytes to and from the server, over TCP or a unix socket, in the clear or in TLS. */
export class Channel {
  /** Whoever is to hear the channel now; nobody while null. */
  sink: ChannelSink | null = null;
  /** Set by `dial`, before anybody sees the channel. */
  #socket!: Socket;
  /** In place of the socket, once the connection was taken out of it. */
  #raw: RawSocket | null = null;
  readonly #parts = new OutputParts();
  /** Of the write that is under way on the raw socket. */
  #written: () => void = () => {};
  #over = false;
  #error: Error | null = null;
  readonly #onData = (chunk: Buffer): void => this.sink?.data(chunk, chunk.length);
  readonly #onEnd = (): void => this.#finish();

  private constructor() {}

  /**
   * Connects.
   * @param forTls the channel will be upgraded with {@link startTls}.
   * @throws Error (as a rejection) as Node's sockets have it, or the signal's reason.
   */
  static async dial(server: NbdServerAddress, forTls: boolean, signal: AbortSignal): Promise<Channel> {
    signal.throwIfAborted();
    const channel = new Channel();
    const address = server.type === "unix" ? { path: server.path } : tcpConnectOptions(server);
    const buffer = forTls ? null : takeBuffer();
    const socket = connectSocket(buffer === null ? address : { ...address, onread: readInto(channel, buffer) });
    channel.#adopt(socket, forTls);
    try {
      await waitFor(socket, "connect", signal);
    } catch (error) {
      // Nothing is read before the connection is there, and now it never will be.
      spareBuffer ??= buffer;
      throw error;
    }
    if (server.type === "inet") {
      socket.setNoDelay(true);
      if (server.keepAlive ?? true) socket.setKeepAlive(true, KEEPALIVE_MS);
    }
    return channel;
  }

  /**
   * Turns to TLS. Nothing may have been read that belongs to it.
   * @throws Error (as a rejection) as Node's TLS has it; the channel is of no use then.
   */
  async startTls(options: ConnectionOptions, signal: AbortSignal): Promise<void> {
    const plain = this.#socket;
    this.#release(plain);
    const secure = connectTls({ ...options, socket: plain });
    this.#adopt(secure, true);
    await waitFor(secure, "secureConnect", signal);
  }

  /**
   * Goes on by system calls on the socket, if that is possible; not after {@link startTls}. The sink must have heard
   * everything before.
   * @returns what has arrived and the sink has not heard.
   */
  goRaw(sockets: Sockets, clock: Clock): Uint8Array {
    const socket = this.#socket;
    if (this.#over) return new Uint8Array(0);
    this.#release(socket);
    const taken = sockets.take(socket);
    if (taken === null) {
      this.#listen(socket);
      return new Uint8Array(0);
    }
    const sink: SocketSink = {
      data: (buffer, length) => this.sink?.data(buffer, length),
      expectsMore: () => this.sink?.expectsMore?.() === true,
      ended: this.#onEnd,
      drained: () => this.#written(),
      failed: (error) => {
        this.#error ??= error;
        this.#finish();
      },
    };
    this.#raw = sockets.open(taken, sink, () => clock.now());
    this.#raw.setReading(true);
    return taken.unread;
  }

  /** Bytes that were written but that the kernel has not taken yet. */
  get unsentBytes(): number {
    return this.#raw === null ? this.#socket.writableLength : this.#raw.unsentBytes;
  }

  /**
   * Writes the parts, which must stay as they are until `written` is called or the channel is closed. Another write may come
   * only then. If {@link unsentBytes} is 0 at once, `written` need not be called.
   */
  write(parts: readonly Uint8Array[], written: () => void): void {
    if (this.#over) return;
    if (this.#raw === null) {
      this.#writeToStream(parts, written);
      return;
    }
    this.#parts.clear();
    for (const part of parts) this.#parts.add(part, 0, part.length);
    this.#written = written;
    this.#raw.write(this.#parts);
  }

  #writeToStream(parts: readonly Uint8Array[], written: () => void): void {
    const socket = this.#socket;
    if (socket.destroyed || socket.writableEnded) return;
    const last = parts.length - 1;
    if (last > 0) socket.cork();
    for (let at = 0; at < last; at += 1) socket.write(parts[at]!);
    socket.write(parts[last]!, written);
    if (last > 0) socket.uncork();
  }

  /** Says after what was written that nothing more will come; replies are still heard. */
  end(): void {
    if (this.#over) return;
    if (this.#raw === null) this.#socket.end();
    else this.#raw.end();
  }

  /** Writes `last` and lets go; the sink is not called any more. */
  finish(last: Uint8Array): void {
    if (this.#over) return;
    if (this.#raw === null) {
      this.#over = true;
      this.#socket.write(last);
      this.#socket.destroySoon();
    } else {
      // If there is no room for it, the end of the connection says the same.
      this.write([last], () => {});
      this.destroy();
    }
  }

  /** Lets go at once. The sink is not called. */
  destroy(): void {
    this.#over = true;
    this.#raw?.destroy();
    this.#socket.destroy();
  }

  #adopt(socket: Socket, flowing: boolean): void {
    this.#socket = socket;
    if (flowing) socket.on("data", this.#onData);
    socket.on("error", (error) => {
      this.#error ??= error;
    });
    this.#listen(socket);
  }

  #listen(socket: Socket): void {
    // The end of what the server says is the end: it has closed, or will not answer any more.
    socket.on("end", this.#onEnd).on("close", this.#onEnd);
  }

  #release(socket: Socket): void {
    socket.off("data", this.#onData).off("end", this.#onEnd).off("close", this.#onEnd);
  }

  #finish(): void {
    if (this.#over) return;
    this.destroy();
    this.sink?.closed(this.#error);
  }
}

function takeBuffer(): Buffer {
  const buffer = spareBuffer ?? Buffer.allocUnsafeSlow(RECEIVE_BUFFER);
  spareBuffer = null;
  return buffer;
}

/** Makes Node read into one buffer again and again instead of allocating one per read. TLS brings its own buffers. */
function readInto(channel: Channel, buffer: Buffer): OnReadOpts {
  return {
    buffer,
    callback: (length, buffer) => {
      channel.sink?.data(buffer, length);
      return true;
    },
  };
}

/** Resolves at the socket's `event`; rejects, and destroys the socket, if it fails, closes or is given up before. */
function waitFor(socket: Socket, event: "connect" | "secureConnect", signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    let failure: unknown = new Error("the server closed the connection");
    const stop = (): void => {
      signal.removeEventListener("abort", abort);
      socket.off("error", fail).off("close", closed).off(event, done);
    };
    const done = (): void => {
      stop();
      resolve();
    };
    const fail = (error: unknown): void => {
      failure = error;
    };
    const closed = (): void => {
      stop();
      reject(failure);
    };
    const abort = (): void => {
      stop();
      socket.on("error", () => {});
      socket.destroy();
      reject(signal.reason);
    };
    signal.addEventListener("abort", abort);
    socket.on("error", fail).on("close", closed).on(event, done);
  });
}
