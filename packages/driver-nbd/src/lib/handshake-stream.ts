import { protocolError } from "@rehandle/nbd/protocol";
import type { Channel, ChannelSink } from "./channel.ts";
import { lostError } from "./nbd-errors.ts";

/** More than a server has reason to send before it is asked. */
const MAX_UNREAD = 256 * 1024;

interface Waiter {
  length: number;
  resolve: (bytes: Uint8Array) => void;
  reject: (reason: unknown) => void;
}

/** Reads a channel piece by piece during the handshake. One read at a time. */
export class HandshakeStream implements ChannelSink {
  readonly #channel: Channel;
  #unread: Uint8Array = new Uint8Array(0);
  #waiter: Waiter | null = null;
  #failure: unknown = null;

  constructor(channel: Channel, signal: AbortSignal) {
    this.#channel = channel;
    channel.sink = this;
    signal.addEventListener("abort", () => this.#fail(signal.reason), { once: true });
  }

  write(bytes: Uint8Array): void {
    this.#channel.write([bytes], ignore);
  }

  /**
   * The next `length` bytes.
   * @throws BlockError (as a rejection) class `transport` if the channel ends first, or the signal's reason.
   */
  read(length: number): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#waiter = { length, resolve, reject };
      this.#serve();
    });
  }

  /** What came beyond what was read. */
  takeUnread(): Uint8Array {
    const unread = this.#unread;
    this.#unread = new Uint8Array(0);
    return unread;
  }

  data(buffer: Uint8Array, length: number): void {
    if (this.#unread.length + length > MAX_UNREAD) {
      this.#fail(protocolError("the server says far more than it was asked"));
      return;
    }
    const joined = new Uint8Array(this.#unread.length + length);
    joined.set(this.#unread);
    joined.set(buffer.subarray(0, length), this.#unread.length);
    this.#unread = joined;
    this.#serve();
  }

  closed(error: Error | null): void {
    this.#fail(lostError(error === null ? "the server closed the connection in the handshake" : error.message, error));
  }

  #serve(): void {
    const waiter = this.#waiter;
    if (waiter === null) return;
    if (this.#unread.length >= waiter.length) {
      this.#waiter = null;
      const bytes = this.#unread.slice(0, waiter.length);
      this.#unread = this.#unread.subarray(waiter.length);
      waiter.resolve(bytes);
    } else if (this.#failure !== null) {
      this.#waiter = null;
      waiter.reject(this.#failure);
    }
  }

  #fail(reason: unknown): void {
    this.#failure ??= reason;
    this.#serve();
  }
}

function ignore(): void {}
