import { Token } from "./json-lexer.ts";
import { decodeString } from "./json-string.ts";
import { createJsonObject, JsonDouble, type JsonObject, type JsonValue } from "./json-value.ts";
import { decodeLossy } from "./utf8.ts";

/** The tokens of one text: token `i` is of `kinds[i]` and lies at `starts[i]`…`starts[i + 1]` of `bytes`. */
export interface TokenList {
  readonly kinds: readonly number[];
  readonly starts: readonly number[];
  readonly bytes: Uint8Array;
}

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

const KEYWORDS: ReadonlyMap<string, null | boolean> = new Map<string, null | boolean>([
  ["null", null],
  ["true", true],
  ["false", false],
]);

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
        return this.#integer(this.#text(at));
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
    const array: JsonValue[] = [];
    if (this.#peek() === Token.RightBracket) {
      this.#at++;
      return array;
    }
    for (;;) {
      const value = this.value();
      if (value === undefined) return undefined;
      array.push(value);
      const kind = this.#next();
      if (kind === Token.RightBracket) return array;
      if (kind !== Token.Comma) return this.#fail("expected separator in list");
    }
  }

  #string(at: number): string | undefined {
    const { bytes, starts } = this.#tokens;
    const { text, error } = decodeString(bytes, starts[at] ?? 0, starts[at + 1] ?? 0);
    return error === undefined ? text : this.#fail(error);
  }

  #keyword(at: number): null | boolean | undefined {
    const text = this.#text(at);
    const value = KEYWORDS.get(text);
    return value === undefined ? this.#fail(`invalid keyword '${text}'`.slice(0, SHOWN_CHARACTERS)) : value;
  }

  #integer(text: string): JsonValue | undefined {
    if (text.length <= EXACT_CHARACTERS) return Number(text) + 0;
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
    return this.#tokens.kinds[this.#at];
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
