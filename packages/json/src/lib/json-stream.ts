import { LOOKAHEAD, State, Token, TRANSITIONS } from "./json-lexer.ts";
import { TokenBuffer } from "./json-tokens.ts";
import { parseTokens } from "./json-parser.ts";
import type { JsonValue } from "./json-value.ts";
import { decodeLossy } from "./utf8.ts";

/** Bounds of one JSON text. Default: QEMU's. */
export interface JsonLimits {
  /** Open brackets and braces. Default 1024, which is also the most that may be asked for. */
  readonly nesting: number;
  /** Bytes of token text. Default 64 MiB. */
  readonly bytes: number;
  /** Tokens. Default 2^21. */
  readonly tokens: number;
}

const DEFAULT_LIMITS: JsonLimits = { nesting: 1024, bytes: 64 * 1024 * 1024, tokens: 2 ** 21 };

/** A stray text is shown up to this many bytes; QEMU would show all 64 MiB of it. */
const SHOWN_BYTES = 1024;

const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** FE and FF are in no UTF-8 text; they end whatever was begun. */
const LAST_PLAIN = 0xfd;

/** The buffer between two texts; a longer one is given back. */
const KEPT_BYTES = 1024;

/** Where a {@link JsonStream} puts what it found. */
export interface JsonSink {
  /** A complete value at the top level, and how many bytes its tokens had. */
  value(value: JsonValue, bytes: number): void;
  /** A text that is not one; the message is QEMU's. The stream has recovered and reads on. */
  error(message: string): void;
}

/**
 * QEMU's streaming JSON parser: texts follow each other with no separator, come in pieces of any size, and a broken one
 * is reported and skipped. Time is linear in the input, memory is bounded by the limits.
 */
export class JsonStream {
  readonly #sink: JsonSink;
  readonly #limits: JsonLimits;
  #state: number = State.Start;
  #braces = 0;
  #brackets = 0;
  readonly #tokens: TokenBuffer = new TokenBuffer();
  /** Token texts, end to end; the last one may still be growing. */
  #bytes: Uint8Array = new Uint8Array(KEPT_BYTES);
  #length = 0;
  #tokenStart = 0;
  #stopped = false;

  constructor(sink: JsonSink, limits: Partial<JsonLimits> = {}) {
    this.#sink = sink;
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
  }

  /**
   * Takes the next bytes and reports all that is complete. Returns how many it took: all, unless the sink called
   * {@link stop}.
   */
  feed(bytes: Uint8Array): number {
    let at = 0;
    this.#stopped = false;
    while (at < bytes.length && !this.#stopped) {
      at = this.#skipPlain(bytes, at);
      if (at < bytes.length) this.#byte(bytes[at++] ?? 0);
    }
    return at;
  }

  /** For the sink: the `feed` that reports to it is to take nothing more. */
  stop(): void {
    this.#stopped = true;
  }

  /** No more bytes will come: reports what is left. The stream can be used again. */
  end(): void {
    while (this.#state !== State.Start) this.#step(0, true);
    if (this.#tokens.count > 0) this.#complete();
  }

  /** Takes what a string holds as it is, all at once: nothing there can end the token. */
  #skipPlain(bytes: Uint8Array, from: number): number {
    if (this.#state !== State.DoubleQuoted) return from;
    // Leaves the byte that goes beyond the limit to those who look at it.
    const end = Math.min(bytes.length, from + this.#limits.bytes - (this.#length - this.#tokenStart));
    let at = from;
    for (; at < end; at++) {
      const byte = bytes[at] ?? 0;
      if (byte < SPACE || byte === QUOTE || byte === BACKSLASH || byte > LAST_PLAIN) break;
    }
    if (at > from) this.#appendAll(bytes.subarray(from, at));
    return at;
  }

  #byte(byte: number): void {
    while (!this.#step(byte, false));
    if (this.#length - this.#tokenStart <= this.#limits.bytes) return;
    this.#reject("JSON token size limit exceeded");
    this.#state = State.Start;
  }

  /** One transition; true if the byte was used up. */
  #step(byte: number, flush: boolean): boolean {
    const next = TRANSITIONS[this.#state * 256 + byte] ?? State.Error;
    const used = (next & LOOKAHEAD) === 0;
    const to = next & ~LOOKAHEAD;
    if (used && !flush) this.#append(byte);
    if (to >= Token.LeftBrace) {
      this.#state = State.Start;
      this.#token(to);
    } else if (to === State.Error) {
      this.#state = State.Recovery;
      const shown = Math.min(this.#length, this.#tokenStart + SHOWN_BYTES);
      this.#reject(`JSON parse error, stray '${decodeLossy(this.#bytes, this.#tokenStart, shown)}'`);
    } else {
      this.#state = to;
      if (to === State.Start || to === State.Recovery) this.#length = this.#tokenStart;
    }
    return used;
  }

  #append(byte: number): void {
    if (this.#length === this.#bytes.length) this.#grow(1);
    this.#bytes[this.#length++] = byte;
  }

  #appendAll(bytes: Uint8Array): void {
    if (this.#length + bytes.length > this.#bytes.length) this.#grow(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #grow(by: number): void {
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + by));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }

  #token(kind: number): void {
    this.#count(kind);
    if (this.#length + 1 > this.#limits.bytes) return this.#reject("JSON token size limit exceeded");
    if (this.#tokens.count + 1 > this.#limits.tokens) return this.#reject("JSON token count limit exceeded");
    if (this.#braces + this.#brackets > this.#limits.nesting) return this.#reject("JSON nesting depth limit exceeded");
    this.#tokens.push(kind, this.#tokenStart);
    this.#tokenStart = this.#length;
    const open = this.#braces > 0 || this.#brackets > 0;
    if (open && this.#braces >= 0 && this.#brackets >= 0) return;
    this.#complete();
  }

  #count(kind: number): void {
    if (kind === Token.LeftBrace) this.#braces++;
    else if (kind === Token.RightBrace) this.#braces--;
    else if (kind === Token.LeftBracket) this.#brackets++;
    else if (kind === Token.RightBracket) this.#brackets--;
  }

  /** The tokens so far are a text: it is parsed and forgotten, whatever comes of it. */
  #complete(): void {
    const length = this.#tokenStart;
    const result = parseTokens(this.#tokens.finish(length, this.#bytes));
    this.#reset();
    if (result.error === undefined) this.#sink.value(result.value, length);
    else this.#sink.error(result.error);
  }

  #reject(message: string): void {
    this.#reset();
    this.#sink.error(message);
  }

  #reset(): void {
    this.#braces = 0;
    this.#brackets = 0;
    this.#tokens.clear();
    if (this.#bytes.length > KEPT_BYTES) this.#bytes = new Uint8Array(KEPT_BYTES);
    this.#length = 0;
    this.#tokenStart = 0;
  }
}
