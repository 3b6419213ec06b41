import { writeUint16, writeUint32, writeUint64 } from "./integers.ts";
import { encodeText } from "./text.ts";

/** Puts the parts of a message together. For the handshake and other rare messages; data requests write in place. */
export class Builder {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  uint16(value: number): this {
    const part = new Uint8Array(2);
    writeUint16(part, 0, value);
    return this.bytes(part);
  }

  uint32(value: number): this {
    const part = new Uint8Array(4);
    writeUint32(part, 0, value);
    return this.bytes(part);
  }

  uint64(value: number): this {
    const part = new Uint8Array(8);
    writeUint64(part, 0, value);
    return this.bytes(part);
  }

  bytes(part: Uint8Array): this {
    this.#parts.push(part);
    this.#length += part.length;
    return this;
  }

  /** A string with its length before it. */
  text(text: string): this {
    const part = encodeText(text);
    return this.uint32(part.length).bytes(part);
  }

  /** A string without its length. */
  rawText(text: string): this {
    return this.bytes(encodeText(text));
  }

  build(): Uint8Array {
    const result = new Uint8Array(this.#length);
    let at = 0;
    for (const part of this.#parts) {
      result.set(part, at);
      at += part.length;
    }
    return result;
  }
}
