import { readUint16, readUint32 } from "./integers.ts";
import { protocolError } from "./protocol-error.ts";
import { decodeText } from "./text.ts";

/** Takes the parts of a payload one after another; asking for more than there is, is the peer's error. */
export class Cursor {
  readonly #bytes: Uint8Array;
  readonly #what: string;
  #at = 0;

  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes;
    this.#what = what;
  }

  /** Bytes that were not taken. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  uint16(): number {
    return readUint16(this.#bytes, this.#advance(2));
  }

  uint32(): number {
    return readUint32(this.#bytes, this.#advance(4));
  }

  bytes(length: number): Uint8Array {
    const at = this.#advance(length);
    return this.#bytes.subarray(at, at + length);
  }

  /** A string with its length before it. */
  text(): string {
    return decodeText(this.bytes(this.uint32()));
  }

  rest(): Uint8Array {
    return this.bytes(this.left);
  }

  /** Throws if something is left. */
  end(): void {
    if (this.left > 0) throw protocolError(`${this.#what} has ${this.left} bytes too many`);
  }

  #advance(length: number): number {
    if (length > this.left) throw protocolError(`${this.#what} is too short`);
    const at = this.#at;
    this.#at += length;
    return at;
  }
}
