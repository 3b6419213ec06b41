import { isBlockError, type BlockError } from "../lib/block-error.ts";
import { createRequest, type BlockRequest } from "../lib/block-request.ts";
import { copyFromIov, copyToIov } from "../lib/iov.ts";

/** Bytes on both sides of every buffer that nobody may write to. */
const GUARD = 16;
const GUARD_BYTE = 0xc3;
/** Payloads up to this are compared afterwards, bytes. */
const LONGEST_COMPARED = 1024 * 1024;
/** What read buffers hold before the driver fills them. */
const UNREAD_BYTE = 0xa5;

/** A request with eyes: it notices a second completion, changed fields, changed payload and bytes written beside a buffer. */
export class SentRequest {
  readonly request: BlockRequest;
  readonly name: string;
  /** Resolves with the error of the first completion, or null. */
  readonly completed: Promise<BlockError | null>;
  completions = 0;
  /** The submitter took the buffers back and uses them for something else: they are no longer compared. */
  buffersTakenBack = false;
  readonly #report: (problem: string) => void;
  readonly #before: BlockRequest;
  readonly #parts: readonly Uint8Array[];
  readonly #payload: Uint8Array | null;
  readonly #guarded: readonly Uint8Array[];
  #resolve: (error: BlockError | null) => void = () => {};

  constructor(
    fields: Partial<BlockRequest> & Pick<BlockRequest, "operation">,
    payload: Uint8Array | undefined,
    report: (problem: string) => void,
  ) {
    this.#report = report;
    this.completed = new Promise((resolve) => (this.#resolve = resolve));
    const { operation, offset = 0, length = 0 } = fields;
    this.name = `${operation} of ${length} bytes at ${offset}`;
    const data = operation === "read" || operation === "write";
    const guarded = data && fields.iov === undefined ? [guardedBuffer(length)] : [];
    this.#guarded = guarded;
    const iov = fields.iov ?? guarded.map((buffer) => buffer.subarray(GUARD, buffer.length - GUARD));
    if (payload !== undefined) copyToIov(iov, payload);
    this.request = createRequest({
      offset,
      length,
      owner: this,
      ...fields,
      iov,
      complete: (request, error) => this.#onComplete(request, error),
    });
    this.#before = { ...this.request };
    this.#parts = [...iov];
    this.#payload = operation === "write" && length <= LONGEST_COMPARED ? flatten(iov) : null;
  }

  /** What the buffers hold now. */
  data(): Uint8Array {
    return flatten(this.#parts);
  }

  /** True if a read left every byte of its buffers as it was. */
  get untouched(): boolean {
    return this.data().every((byte) => byte === UNREAD_BYTE);
  }

  /** Compares everything that the driver must leave alone. */
  inspect(): void {
    const now: BlockRequest = this.request;
    for (const field of ["operation", "offset", "length", "flags", "iov", "extents", "complete", "owner"] as const) {
      if (!Object.is(now[field], this.#before[field]))
        this.#report(`${this.name}: the driver changed request.${field}`);
    }
    if (now.iov.length !== this.#parts.length || this.#parts.some((part, index) => part !== now.iov[index])) {
      this.#report(`${this.name}: the driver changed the parts of request.iov`);
    }
    for (const buffer of this.#guarded) {
      const guards = [...buffer.subarray(0, GUARD), ...buffer.subarray(buffer.length - GUARD)];
      if (guards.some((byte) => byte !== GUARD_BYTE)) this.#report(`${this.name}: the driver wrote beside the buffer`);
    }
    if (this.#payload !== null && !this.buffersTakenBack && !sameBytes(this.#payload, this.data())) {
      this.#report(`${this.name}: the driver changed the payload`);
    }
  }

  #onComplete(request: BlockRequest, error: BlockError | null): void {
    this.completions += 1;
    if (request !== this.request) this.#report(`${this.name}: complete was called with another request`);
    if (this.completions > 1) {
      this.#report(`${this.name}: completed ${this.completions} times`);
      return;
    }
    if (error !== null && !isBlockError(error))
      this.#report(`${this.name}: completed with something that is no BlockError`);
    this.inspect();
    this.#resolve(error);
  }
}

/** A buffer for `length` bytes between guards; absurd lengths get none, as the request is to be refused anyway. */
function guardedBuffer(length: number): Uint8Array {
  const usable = Number.isSafeInteger(length) && length >= 0 && length <= 64 * 1024 * 1024 ? length : 0;
  const buffer = new Uint8Array(usable + 2 * GUARD).fill(GUARD_BYTE);
  buffer.fill(UNREAD_BYTE, GUARD, GUARD + usable);
  return buffer;
}

function flatten(iov: readonly Uint8Array[]): Uint8Array {
  const result = new Uint8Array(iov.reduce((sum, part) => sum + part.length, 0));
  copyFromIov(iov, result);
  return result;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return false;
  return true;
}
