import { decodeHeader, encodeMessage } from "./messages.ts";
import type { MessageHeader } from "./messages.ts";
import { HEADER_BYTES, MAX_PAYLOAD } from "./message-numbers.ts";
import type { SystemCalls, Watcher, WatchListener } from "./system-calls.ts";
import { protocolError, VhostUserError } from "./vhost-user-error.ts";

/** A message that came in. Descriptors that nobody takes are closed when the handler is done with it. */
export class ReceivedMessage {
  readonly request: number;
  /** Bits of `HeaderFlag`. */
  readonly flags: number;
  readonly payload: Uint8Array;
  readonly #fds: number[];

  constructor(header: MessageHeader, payload: Uint8Array, fds: number[]) {
    this.request = header.request;
    this.flags = header.flags;
    this.payload = payload;
    this.#fds = fds;
  }

  /** Descriptors that came along and were not taken. */
  get fdCount(): number {
    return this.#fds.length;
  }

  /** The next descriptor, which is the caller's to close from now on; null: there is none left. */
  takeFd(): number | null {
    return this.#fds.shift() ?? null;
  }
}

/** What a channel tells its owner. */
export interface ChannelListener {
  /**
   * A message, the next one only after the promise is resolved. What it throws closes the channel with that reason.
   */
  onMessage(message: ReceivedMessage): void | Promise<void>;
  /** The channel is closed, once; null: by the peer, between two messages. Not called after the owner's own `close`. */
  onClose(error: VhostUserError | null): void;
}

/** Messages over a unix socket. */
export interface MessageChannel {
  /** Sends a message; the caller keeps `fds` and may close them at once. Nothing happens once the channel is closed. */
  send(request: number, flags: number, payload: Uint8Array, fds?: readonly number[]): void;
  /** Closes the socket at once; what was not sent is lost. Harmless the second time. */
  close(): void;
  readonly closed: boolean;
}

/** Messages that are handled in one turn of the event loop at most: others have their turn, too. */
const MESSAGES_PER_TURN = 16;
/** Messages that wait for room in the socket at most: a peer sends requests and must take the replies. */
const MOST_UNSENT = 64;

/**
 * Takes over `fd`, a connected unix stream socket, and closes it in the end. It never blocks, and it never holds more than one
 * message of the peer: a message is read exactly, header first, so that descriptors come with the message that they belong to.
 * @throws VhostUserError `EPERM` if it is not a socket; it is closed then, too.
 */
export function createMessageChannel(calls: SystemCalls, fd: number, listener: ChannelListener): MessageChannel {
  return new Channel(calls, fd, listener);
}

interface Unsent {
  readonly bytes: Uint8Array;
  readonly fds: readonly number[];
}

class Channel implements MessageChannel {
  closed = false;
  readonly #calls: SystemCalls;
  readonly #fd: number;
  readonly #listener: ChannelListener;
  readonly #watcher: Watcher;
  readonly #unsent: Unsent[] = [];
  #handling = false;
  #header: MessageHeader | null = null;
  #buffer: Uint8Array = new Uint8Array(HEADER_BYTES);
  #filled = 0;
  #fds: number[] = [];

  constructor(calls: SystemCalls, fd: number, listener: ChannelListener) {
    this.#calls = calls;
    this.#fd = fd;
    this.#listener = listener;
    try {
      this.#watcher = calls.watch(fd, { readable: true }, this.#watchListener());
    } catch (error) {
      calls.close(fd);
      throw error;
    }
  }

  #watchListener(): WatchListener {
    return {
      onReady: (readable, writable) => {
        if (writable) this.#sendUnsent();
        if (readable) this.#receive();
      },
      onError: (error) => this.#fail(error),
    };
  }

  send(request: number, flags: number, payload: Uint8Array, fds: readonly number[] = []): void {
    if (this.closed) return;
    if (this.#unsent.length >= MOST_UNSENT) {
      this.#fail(protocolError("the peer does not take what is sent to it"));
      return;
    }
    const copies = fds.map((fd) => this.#calls.duplicate(fd));
    this.#unsent.push({ bytes: encodeMessage(request, flags, payload), fds: copies });
    if (this.#unsent.length === 1) this.#guarded(() => this.#sendUnsent());
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#watcher.close();
    this.#calls.close(this.#fd);
    this.#closeAll(this.#fds);
    for (const { fds } of this.#unsent.splice(0)) this.#closeAll(fds);
  }

  #fail(error: unknown): void {
    if (this.closed) return;
    this.close();
    this.#listener.onClose(error === null ? null : toVhostUserError(error));
  }

  #guarded(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#fail(error);
    }
  }

  #closeAll(fds: readonly number[]): void {
    for (const fd of fds) this.#calls.close(fd);
  }

  #updateInterest(): void {
    if (this.closed) return;
    const writable = this.#unsent.length > 0;
    this.#watcher.setInterest({ readable: !this.#handling && !writable, writable });
  }

  #sendUnsent(): void {
    for (let next = this.#unsent[0]; next !== undefined; next = this.#unsent[0]) {
      const sent = this.#calls.send(this.#fd, next.bytes, next.fds);
      if (sent === null) break;
      this.#closeAll(next.fds);
      if (sent < next.bytes.length) this.#unsent[0] = { bytes: next.bytes.subarray(sent), fds: [] };
      else this.#unsent.shift();
    }
    this.#updateInterest();
  }

  #receive(): void {
    for (let turn = 0; turn < MESSAGES_PER_TURN;) {
      if (this.closed || this.#handling || this.#unsent.length > 0) return;
      if (!this.#fill()) return;
      if (this.#header === null) this.#startPayload();
      if (this.#filled === this.#buffer.length) {
        this.#deliver();
        turn += 1;
      }
    }
  }

  /** True: the buffer is full. */
  #fill(): boolean {
    while (this.#filled < this.#buffer.length) {
      const wanted = this.#buffer.length - this.#filled;
      const received = this.#calls.receive(this.#fd, this.#buffer, this.#filled, wanted, this.#fds);
      if (received === null) return false;
      if (received === 0) {
        const between = this.#header === null && this.#filled === 0;
        this.#fail(between ? null : protocolError("the connection ended in the middle of a message"));
        return false;
      }
      this.#filled += received;
    }
    return true;
  }

  #startPayload(): void {
    this.#header = decodeHeader(this.#buffer);
    if (this.#header.size > MAX_PAYLOAD) {
      throw protocolError(`a message of ${this.#header.size} bytes is longer than ${MAX_PAYLOAD}`);
    }
    this.#buffer = new Uint8Array(this.#header.size);
    this.#filled = 0;
  }

  #deliver(): void {
    const header = this.#header;
    if (header === null) return;
    const message = new ReceivedMessage(header, this.#buffer, this.#fds);
    this.#header = null;
    this.#buffer = new Uint8Array(HEADER_BYTES);
    this.#filled = 0;
    this.#fds = [];
    this.#handle(message);
  }

  #handle(message: ReceivedMessage): void {
    let handled: void | Promise<void>;
    try {
      handled = this.#listener.onMessage(message);
    } catch (error) {
      this.#closeLeft(message);
      throw error;
    }
    if (handled instanceof Promise) this.#waitFor(handled, message);
    else this.#closeLeft(message);
  }

  #waitFor(handled: Promise<void>, message: ReceivedMessage): void {
    this.#handling = true;
    this.#updateInterest();
    handled
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#closeLeft(message);
        this.#handling = false;
        this.#guarded(() => this.#updateInterest());
      });
  }

  #closeLeft(message: ReceivedMessage): void {
    for (let fd = message.takeFd(); fd !== null; fd = message.takeFd()) this.#calls.close(fd);
  }
}

function toVhostUserError(error: unknown): VhostUserError {
  if (error instanceof VhostUserError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new VhostUserError(message, "EIO", error);
}
