import { Token } from "./json-lexer.ts";
import { decodeString } from "./json-string.ts";
import type { TokenList } from "./json-tokens.ts";
import { createJsonObject, JsonDouble, type JsonObject, type JsonValue } from "./json-value.ts";
import { decodeLossy } from "./utf8.ts";

/** A JSON value, or QEMU's message of what is wrong with its text. */
export type JsonTextResult =
  | { readonly value: JsonValue; readonly error?: undefined }
  | { readonly value?: undefined; readonly error: string };

const LARGEST = 2n ** 64n - 1n;
const SMALLEST = -(2n ** 63n);
/** The message of an invalid keyword, which may have 64 MiB, is cut after so many characters, as QEMU's buffer for it is. */
const SHOWN_CHARACTERS = 1023;
/** No integer of this many characters or fewer leaves the range of exact numbers. */
const EXACT_CHARACTERS = 15;
/** `-9223372036854775808` and `18446744073709551615` have 20; a longer one is a double, and BigInt would be slow. */
const LONGEST_INTEGER = 20;

const MINUS = 0x2d;
const ZERO = 0x30;

const KEYWORDS: readonly { readonly word: string; readonly value: null | boolean }[] = [
  { word: "null", value: null },
  { word: "true", value: true },
  { word: "false", value: false },
];

/** The value that the tokens make. Tokens after it are not looked at; the caller knows when a text is complete. */
export function parseTokens(tokens: TokenList): JsonTextResult {
  const parser = new Parser(tokens);
  const value = parser.value();
  return value === undefined ? { error: `JSON parse error, ${parser.error}` } : { value };
}

/**
 * Recursive descent. Its depth is bounded by the limit of nesting that the stream checked. Errors are no exceptions: a
 * hostile text can hold a million of them, and each exception would take a stack trace.
 */
class Parser {
  readonly #tokens: TokenList;
  #at = 0;
  /** What went wrong first. */
  error = "";

  constructor(tokens: TokenList) {
    this.#tokens = tokens;
  }

  /** Undefined after an error, as everywhere below. */
  value(): JsonValue | undefined {
    const at = this.#at;
    switch (this.#next()) {
      case Token.LeftBrace:
        return this.#object();
      case Token.LeftBracket:
        return this.#array();
      case Token.Integer:
        return this.#integer(at);
      case Token.Float:
        return this.#double(this.#text(at));
      case Token.String:
        return this.#string(at);
      case Token.Keyword:
        return this.#keyword(at);
      default:
        return this.#fail("expecting value");
    }
  }

  #object(): JsonObject | undefined {
    const object = createJsonObject();
    if (this.#peek() === Token.RightBrace) {
      this.#at++;
      return object;
    }
    for (;;) {
      if (!this.#member(object)) return undefined;
      const kind = this.#next();
      if (kind === Token.RightBrace) return object;
      if (kind !== Token.Comma) return this.#fail("expected separator in dict");
    }
  }

  #member(object: JsonObject): boolean {
    const key = this.value();
    if (typeof key !== "string") this.#fail("key is not a string in object");
    else if (this.#next() !== Token.Colon) this.#fail("missing : in object pair");
    else {
      const value = this.value();
      if (value === undefined) return false;
      if (!(key in object)) {
        object[key] = value;
        return true;
      }
      this.#fail("duplicate key");
    }
    return false;
  }

  #array(): JsonValue[] | undefined {
    if (this.#peek() === Token.RightBracket) {
      this.#at++;
      return [];
    }
    const first = this.value();
    if (first === undefined) return undefined;
    // An empty array that is pushed to gets room for 17 elements at once; very many lists of one element would feel it.
    const array = [first];
    for (;;) {
      const kind = this.#next();
      if (kind === Token.RightBracket) return array;
      if (kind !== Token.Comma) return this.#fail("expected separator in list");
      const value = this.value();
      if (value === undefined) return undefined;
      array.push(value);
    }
  }

  #string(at: number): string | undefined {
    const { bytes, starts } = this.#tokens;
    const { text, error } = decodeString(bytes, starts[at] ?? 0, starts[at + 1] ?? 0);
    return error === undefined ? text : this.#fail(error);
  }

  #keyword(at: number): null | boolean | undefined {
    const { bytes, starts } = this.#tokens;
    const start = starts[at] ?? 0;
    const length = (starts[at + 1] ?? 0) - start;
    for (const { word, value } of KEYWORDS) if (word.length === length && isWordAt(bytes, start, word)) return value;
    return this.#fail(`invalid keyword '${this.#text(at)}'`.slice(0, SHOWN_CHARACTERS));
  }

  #integer(at: number): JsonValue | undefined {
    const { bytes, starts } = this.#tokens;
    const start = starts[at] ?? 0;
    const end = starts[at + 1] ?? 0;
    return end - start <= EXACT_CHARACTERS ? shortInteger(bytes, start, end) : this.#longInteger(this.#text(at));
  }

  #longInteger(text: string): JsonValue | undefined {
    if (text.length > LONGEST_INTEGER) return this.#double(text);
    const value = BigInt(text);
    if (value < SMALLEST || value > LARGEST) return this.#double(text);
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }

  /** QEMU takes `1e999` and prints it back as `inf`, which is not JSON; here it is refused. */
  #double(text: string): JsonDouble | undefined {
    const value = Number(text);
    return Number.isFinite(value) ? new JsonDouble(value) : this.#fail("number out of range");
  }

  #text(at: number): string {
    const { bytes, starts } = this.#tokens;
    return decodeLossy(bytes, starts[at] ?? 0, starts[at + 1] ?? 0);
  }

  #peek(): number | undefined {
    const { kinds, count } = this.#tokens;
    return this.#at < count ? kinds[this.#at] : undefined;
  }

  #next(): number | undefined {
    const kind = this.#peek();
    if (kind === undefined) this.#fail("premature EOI");
    else this.#at++;
    return kind;
  }

  /** Keeps the first message: what the callers then say of it is a consequence. */
  #fail(message: string): undefined {
    if (this.error === "") this.error = message;
    return undefined;
  }
}

/** The digits of an integer that is exact; `-0` is 0. */
function shortInteger(bytes: Uint8Array, start: number, end: number): number {
  const negative = bytes[start] === MINUS;
  let value = 0;
  for (let at = negative ? start + 1 : start; at < end; at += 1) value = value * 10 + (bytes[at] ?? 0) - ZERO;
  return negative ? 0 - value : value;
}

function isWordAt(bytes: Uint8Array, start: number, word: string): boolean {
  for (let i = 0; i < word.length; i += 1) if (bytes[start + i] !== word.charCodeAt(i)) return false;
  return true;
}
