import { getSystemErrorName } from "node:util";
import { GiveWay } from "./give-way.ts";
import type { OutputParts } from "./output-parts.ts";
import { runSoon, type Ready } from "./ready-list.ts";
import { EAGAIN, EINTR, type Interest, type PollHandle, type SocketCalls } from "./socket-calls.ts";

/** Who hears of a {@link RawSocket}. Nothing comes from within a call of it, and nothing after `destroy`. */
export interface SocketSink {
  /** `length` bytes arrived at the start of `buffer`, which is used again after this call. */
  data(buffer: Buffer, length: number): void;
  /**
   * True if much more is to come, which is worth a moment's patience: with a clock, the socket lets other programs run before
   * it receives, see `GiveWay`. Absent: never.
   */
  expectsMore?(): boolean;
  /** The peer sends nothing more, but may still read. */
  ended(): void;
  /**
   * While data is not wanted (see `setReading`): the peer sends nothing more beyond what it has sent. Perhaps it is gone. Told
   * once; left out: not looked for.
   */
  hungUp?(): void;
  /** All of a write that did not go out at once is sent. */
  drained(): void;
  /** The connection is broken. The socket is closed. */
  failed(error: Error): void;
}

/**
 * Bytes in one turn that are little: a few requests, or a write of 4 KiB. A peer that sends more has enough under way to
 * keep both sides busy, and to be awake in vain would only cost processor time.
 */
const LITTLE = 8192;

/** Receives in one turn of the event loop at most: the other connections have their turn, too. */
const MOST_RECEIVES = 4;

const READABLE = 1;
const WRITABLE = 2;
const BROKEN = 4;
const HUNG_UP = 8;

/** Sockets that are open: koffi's handles stop watching when they are collected as garbage, so something has to hold them. */
const open = new Set<RawSocket>();

/** A connected stream socket, by system calls on its descriptor. */
export class RawSocket implements Ready {
  readonly #calls: SocketCalls;
  readonly #fd: number;
  readonly #sink: SocketSink;
  readonly #giveWay: GiveWay | null;
  #handle: PollHandle | null = null;
  /** What the handle waits for now: bits. */
  #watched = 0;
  /** What the handle told since the last turn: bits. */
  #told = 0;
  #planned = false;
  #reading = false;
  #ended = false;
  #hungUp = false;
  #closed = false;
  /** What is being sent; null: nothing. */
  #parts: OutputParts | null = null;
  /** The run of it that is next, how much of that was sent, and how much is left of all. */
  #next = 0;
  #sentOfNext = 0;
  #unsent = 0;
  #ending = false;
  #error: Error | null = null;

  /**
   * Takes over `fd`, which is closed with the socket. It does not read yet.
   * @param now milliseconds since an arbitrary start, for a sink that may expect more
   */
  constructor(calls: SocketCalls, fd: number, sink: SocketSink, now: (() => number) | null = null) {
    this.#calls = calls;
    this.#fd = fd;
    this.#sink = sink;
    this.#giveWay = now === null ? null : new GiveWay(now, () => calls.giveWay());
    open.add(this);
    this.#updateInterest();
  }

  /** Bytes that were written and that the kernel has not taken. */
  get unsentBytes(): number {
    return this.#unsent;
  }

  /** Starts or stops bringing data. At first it is stopped. */
  setReading(reading: boolean): void {
    if (this.#reading === reading) return;
    this.#reading = reading;
    this.#updateInterest();
  }

  /**
   * Sends. Only one write may be under way at a time.
   * @returns true if the kernel has taken everything; else `parts` must stay as it is until the sink hears `drained`.
   */
  write(parts: OutputParts): boolean {
    if (this.#closed || this.#ending) return false;
    if (this.#parts !== null) throw new Error("a write is under way");
    this.#parts = parts;
    this.#next = 0;
    this.#sentOfNext = 0;
    this.#unsent = parts.length;
    if (this.#error !== null) return false;
    this.#send();
    return this.#parts === null;
  }

  /** Says, after what was written, that nothing more will come. */
  end(): void {
    if (this.#closed || this.#ending) return;
    this.#ending = true;
    if (this.#parts === null) this.#calls.shutdown(this.#fd);
  }

  /** Closes at once; what was not sent is lost. Harmless the second time. */
  destroy(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#handle?.close();
    this.#handle = null;
    this.#calls.close(this.#fd);
    this.#parts = null;
    this.#unsent = 0;
    open.delete(this);
  }

  run(): boolean {
    this.#planned = false;
    const told = this.#told;
    this.#told = 0;
    if (this.#closed) return false;
    if (this.#error !== null) {
      this.#fail(this.#error);
      return false;
    }
    if ((told & BROKEN) !== 0) {
      this.#onBroken();
      return false;
    }
    if ((told & WRITABLE) !== 0 && this.#parts !== null) this.#sendRest();
    if ((told & HUNG_UP) !== 0) this.#onHungUp();
    return (told & READABLE) !== 0 && this.#receive() <= LITTLE;
  }

  /** @returns how many bytes came. */
  #receive(): number {
    const { received } = this.#calls;
    let total = 0;
    if (this.#giveWay !== null && this.#sink.expectsMore?.() === true) this.#giveWay.run();
    for (let turn = 0; turn < MOST_RECEIVES && this.#isReading; turn += 1) {
      const length = this.#calls.receive(this.#fd);
      if (length > 0) {
        total += length;
        this.#sink.data(received, length);
        // The kernel had no more, and tells when it has.
        if (length < received.length) break;
      } else if (length === 0) {
        this.#ended = true;
        this.#updateInterest();
        this.#sink.ended();
      } else if (length === -EAGAIN) {
        break;
      } else if (length !== -EINTR) {
        this.#fail(systemError(length, "recv"));
      }
    }
    return total;
  }

  get #isReading(): boolean {
    return this.#reading && !this.#ended && !this.#closed && this.#error === null;
  }

  /** Sends what it can; failures are told on a later turn. */
  #send(): void {
    const parts = this.#parts!;
    while (this.#next < parts.count) {
      const sent = this.#calls.send(this.#fd, parts, this.#next, this.#sentOfNext);
      if (sent < 0) {
        if (sent === -EINTR) continue;
        if (sent === -EAGAIN) break;
        this.#error = systemError(sent, "sendmsg");
        this.#plan();
        return;
      }
      this.#advance(parts, sent);
    }
    if (this.#next === parts.count) this.#parts = null;
    this.#updateInterest();
  }

  #advance(parts: OutputParts, sent: number): void {
    this.#unsent -= sent;
    if (this.#unsent === 0) {
      this.#next = parts.count;
      return;
    }
    let left = sent + this.#sentOfNext;
    while (left > 0) {
      const length = parts.ends[this.#next]! - parts.starts[this.#next]!;
      if (left < length) break;
      left -= length;
      this.#next += 1;
    }
    this.#sentOfNext = left;
  }

  #sendRest(): void {
    this.#send();
    if (this.#parts !== null || this.#error !== null) return;
    if (this.#ending) this.#calls.shutdown(this.#fd);
    this.#sink.drained();
  }

  #updateInterest(): void {
    if (this.#closed) return;
    const wanted = (this.#isReading ? READABLE : this.#missesEnd ? HUNG_UP : 0) | (this.#parts === null ? 0 : WRITABLE);
    if (wanted === this.#watched) return;
    this.#watched = wanted;
    try {
      this.#watch(wanted);
    } catch (error) {
      this.#error = error instanceof Error ? error : new Error(String(error));
      this.#plan();
    }
  }

  /** The end of what the peer sends would not be noticed otherwise. */
  get #missesEnd(): boolean {
    return !this.#ended && !this.#hungUp && this.#error === null && this.#sink.hungUp !== undefined;
  }

  #watch(wanted: number): void {
    const interest = {
      readable: (wanted & READABLE) !== 0,
      writable: (wanted & WRITABLE) !== 0,
      disconnect: (wanted & HUNG_UP) !== 0,
    };
    if (wanted === 0) this.#handle?.stop();
    else if (this.#handle === null) this.#handle = this.#calls.poll(this.#fd, interest, this.#onPoll);
    else this.#handle.start(interest, this.#onPoll);
  }

  #onHungUp(): void {
    // If it is read again, the end comes after the data.
    if (this.#hungUp || this.#closed || this.#isReading) return;
    this.#hungUp = true;
    this.#updateInterest();
    this.#sink.hungUp?.();
  }

  /** Called by koffi: see `runSoon`. */
  readonly #onPoll = (...told: readonly unknown[]): void => {
    if (this.#closed) return;
    const [status, events] = told as [number, Partial<Record<keyof Interest, boolean>> | undefined];
    if (status < 0) this.#told |= BROKEN;
    if (events?.readable === true) this.#told |= READABLE;
    if (events?.writable === true) this.#told |= WRITABLE;
    if (events?.disconnect === true) this.#told |= HUNG_UP;
    this.#plan();
  };

  #plan(): void {
    if (this.#planned) return;
    this.#planned = true;
    runSoon(this);
  }

  /** The descriptor is not watched any more: what is wrong with it, receiving tells. */
  #onBroken(): void {
    const result = this.#calls.receive(this.#fd);
    this.#fail(systemError(result < 0 && result !== -EAGAIN ? result : -104, "poll"));
  }

  #fail(error: Error): void {
    this.destroy();
    this.#sink.failed(error);
  }
}

/** An error as Node's own sockets make them. */
function systemError(errno: number, syscall: string): NodeJS.ErrnoException {
  const code = getSystemErrorName(errno);
  return Object.assign(new Error(`${syscall} ${code}`), { errno, code, syscall });
}
