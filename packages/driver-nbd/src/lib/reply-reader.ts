import { createReplyHeader, MAX_REPLY_HEADER_LENGTH, readReplyHeader, type ReplyHeader } from "@rehandle/nbd/protocol";

/** How the payload after a header is to be taken: `collect` bytes as one piece first, then `stream` bytes as they come. */
export interface PayloadPlan {
  collect: number;
  stream: number;
}

/** Hears the replies that a {@link ReplyReader} takes apart. Whatever it throws comes out of `feed`. */
export interface ReplyHandler {
  /** The next header. It fills in the plan, whose numbers are 0 at first. The header object is used again. */
  header(header: ReplyHeader, plan: PayloadPlan): void;
  /** The collected part of the payload: `length` bytes at `at`, which are valid during this call only. */
  collected(source: Uint8Array, at: number, length: number): void;
  /** A run of the streamed part: `source` from `at` to `end`, which is valid during this call only. */
  streamed(source: Uint8Array, at: number, end: number): void;
  /** All of the payload came; called once for each header. */
  finished(): void;
}

/** `header`: the next header is not complete; `collect`, `stream`: in that part of a payload. */
type Phase = "header" | "collect" | "stream";

/** Kept from one reply to the next; a longer stash is let go of. */
const SMALL_STASH = 8192;

/**
 * Cuts the server's stream into headers and payloads, however the bytes are cut on their way. It looks at nothing but the
 * framing, and keeps no more than what the handler asks to have collected.
 */
export class ReplyReader {
  readonly #handler: ReplyHandler;
  readonly #header: ReplyHeader = createReplyHeader();
  readonly #plan: PayloadPlan = { collect: 0, stream: 0 };
  #phase: Phase = "header";
  /** The beginning of a header or of a collected part whose end has not come. */
  #stash: Uint8Array = new Uint8Array(SMALL_STASH);
  #stashed = 0;
  #stopped = false;

  constructor(handler: ReplyHandler) {
    this.#handler = handler;
  }

  /** Nothing that comes from now on is looked at; also from within a call of the handler. */
  stop(): void {
    this.#stopped = true;
  }

  /**
   * Takes the first `length` bytes of `source`.
   * @throws BlockError `EPROTO` on an unknown magic, and whatever the handler throws; the stream is of no use then.
   */
  feed(source: Uint8Array, length: number): void {
    let at = 0;
    while (at < length && !this.#stopped) {
      if (this.#phase === "header") at = this.#takeHeader(source, at, length);
      else if (this.#phase === "collect") at = this.#takeCollected(source, at, length);
      else at = this.#takeStreamed(source, at, length);
    }
  }

  #takeHeader(source: Uint8Array, at: number, end: number): number {
    if (this.#stashed > 0) return this.#takeSplitHeader(source, at, end);
    const taken = readReplyHeader(source, at, end, this.#header);
    if (taken > 0) {
      this.#begin();
      return at + taken;
    }
    this.#stashBytes(source, at, end);
    return end;
  }

  /** Part of the header came earlier; a header is short, so it may be filled up and looked at anew. */
  #takeSplitHeader(source: Uint8Array, at: number, end: number): number {
    const before = this.#stashed;
    const stop = Math.min(end, at + MAX_REPLY_HEADER_LENGTH - before);
    this.#stashBytes(source, at, stop);
    const taken = readReplyHeader(this.#stash, 0, this.#stashed, this.#header);
    if (taken === 0) return stop;
    this.#stashed = 0;
    this.#begin();
    return at + taken - before;
  }

  #begin(): void {
    const plan = this.#plan;
    plan.collect = 0;
    plan.stream = 0;
    this.#handler.header(this.#header, plan);
    if (plan.collect > 0) this.#phase = "collect";
    else this.#beginStream();
  }

  #takeCollected(source: Uint8Array, at: number, end: number): number {
    const { collect } = this.#plan;
    if (this.#stashed === 0 && end - at >= collect) {
      this.#handler.collected(source, at, collect);
      this.#beginStream();
      return at + collect;
    }
    const stop = Math.min(end, at + collect - this.#stashed);
    this.#stashBytes(source, at, stop);
    if (this.#stashed < collect) return stop;
    this.#stashed = 0;
    this.#handler.collected(this.#stash, 0, collect);
    if (this.#stash.length > SMALL_STASH) this.#stash = new Uint8Array(SMALL_STASH);
    this.#beginStream();
    return stop;
  }

  #beginStream(): void {
    if (this.#plan.stream > 0) {
      this.#phase = "stream";
      return;
    }
    this.#phase = "header";
    this.#handler.finished();
  }

  #takeStreamed(source: Uint8Array, at: number, end: number): number {
    const stop = Math.min(end, at + this.#plan.stream);
    this.#handler.streamed(source, at, stop);
    this.#plan.stream -= stop - at;
    if (this.#plan.stream === 0) this.#beginStream();
    return stop;
  }

  /** Grows with what really came, not with what a header announced. */
  #stashBytes(source: Uint8Array, at: number, end: number): void {
    const needed = this.#stashed + end - at;
    if (needed > this.#stash.length) {
      const longer = new Uint8Array(Math.max(needed, 2 * this.#stash.length));
      longer.set(this.#stash.subarray(0, this.#stashed));
      this.#stash = longer;
    }
    this.#stash.set(source.subarray(at, end), this.#stashed);
    this.#stashed = needed;
  }
}
