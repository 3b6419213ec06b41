/** What a piece costs besides its bytes, about. */
const PIECE_COST = 128;

/** Bytes that came and wait to be looked at, in the pieces that they came in. Nothing is copied. */
export class UnreadBytes {
  #pieces: Uint8Array[] = [];
  #length = 0;

  /** Bytes of memory that it holds, about: a peer may send one byte at a time. */
  get cost(): number {
    return this.#length + this.#pieces.length * PIECE_COST;
  }

  /** The first piece; undefined if there is none. */
  get first(): Uint8Array | undefined {
    return this.#pieces[0];
  }

  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#pieces.push(bytes);
    this.#length += bytes.length;
  }

  /** So many bytes of the first piece were looked at. */
  take(count: number): void {
    const [piece] = this.#pieces;
    if (piece === undefined) return;
    this.#length -= count;
    if (count === piece.length) this.#pieces.shift();
    else this.#pieces[0] = piece.subarray(count);
  }

  clear(): void {
    this.#pieces = [];
    this.#length = 0;
  }
}
