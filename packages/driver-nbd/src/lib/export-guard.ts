import { changesData, type BlockError, type BlockRequest, type DriverCapabilities } from "@rehandle/driver-sdk";
import type { ByteRange } from "./driver-options.ts";
import type { Established } from "./establish.ts";
import { capabilitiesOf, findMismatch, mismatch } from "./export-capabilities.ts";
import type { NegotiatedExport } from "./handshake.ts";

/** Knows the export that was opened, and says whether one that was found later can stand for it. */
export class ExportGuard {
  readonly #opened: NegotiatedExport;
  readonly #range: ByteRange | null;
  #capabilities: DriverCapabilities;
  /** The bytes of the `identity` option; null if there are none, or once they were written to. */
  #identity: Uint8Array | null;

  constructor(first: Established, range: ByteRange | null) {
    this.#opened = first.exported;
    this.#range = range;
    this.#capabilities = capabilitiesOf(first.exported);
    this.#identity = first.identity;
  }

  /** What was declared; the size is the present one. */
  get capabilities(): DriverCapabilities {
    return this.#capabilities;
  }

  /** A request is on its way; if it changes the identity, there is nothing to compare with until the next connection. */
  note(request: BlockRequest): void {
    const range = this.#range;
    if (range === null || this.#identity === null || !changesData(request.operation)) return;
    const overlaps = request.offset < range.offset + range.length && request.offset + request.length > range.offset;
    if (overlaps) this.#identity = null;
  }

  /** Null if this may be used; then it is what is known from now on. Otherwise the error that says why not. */
  admit(found: Established): BlockError | null {
    const wrong =
      findMismatch(this.#opened, this.#capabilities, found.exported) ?? this.#compareIdentity(found.identity);
    if (wrong !== null) return wrong;
    this.#identity = found.identity;
    const { size } = capabilitiesOf(found.exported);
    if (size !== this.#capabilities.size) this.#capabilities = Object.freeze({ ...this.#capabilities, size });
    return null;
  }

  /** True if this is the export that was admitted last, for a further connection to it. */
  isSame(found: Established): boolean {
    const { size } = capabilitiesOf(found.exported);
    return size === this.#capabilities.size && findMismatch(this.#opened, this.#capabilities, found.exported) === null;
  }

  #compareIdentity(found: Uint8Array | null): BlockError | null {
    const before = this.#identity;
    if (before === null || found === null || Buffer.compare(before, found) === 0) return null;
    const bytes = `${hex(found)} instead of ${hex(before)}`;
    return mismatch("ESTALE", `it is another disk: at ${this.#range!.offset} it has ${bytes}`);
  }
}

/** The first bytes, for people. */
function hex(bytes: Uint8Array): string {
  const shown = Buffer.from(bytes.subarray(0, 16)).toString("hex");
  return bytes.length > 16 ? `${shown}…` : shown;
}
