import type { GuardedRange, SigbusGuard } from "./sigbus-guard.ts";
import { Seal } from "./system-calls.ts";
import type { FileStatus, SystemCalls } from "./system-calls.ts";
import { protocolError } from "./vhost-user-error.ts";

/** Bytes of a window: larger ArrayBuffers abort some versions of Node. */
const WINDOW = 2 ** 30;

/** File systems of which a page may never come: whoever touches it would wait for ever. `f_type`, see `statfs(2)`. */
const UNTRUSTED: ReadonlyMap<number, string> = new Map([
  [0x65735546, "FUSE"],
  [0x6969, "NFS"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB"],
  [0x01021997, "9p"],
  [0x00c36400, "Ceph"],
]);

/** Where the memory of another process is. */
export interface MappingPlace {
  readonly fd: number;
  /** Bytes, anything that leaves the memory aligned to 16. */
  readonly offset: number;
  /** Bytes, > 0. */
  readonly size: number;
}

/** A part of a file of another process, mapped into this one so that nothing the other does can end this one. */
export class SharedMapping {
  /** Bytes. */
  readonly size: number;
  /** The bytes, one window after the other; all but the last have 1 GiB. */
  readonly windows: readonly ArrayBuffer[];
  readonly #calls: SystemCalls;
  readonly #address: bigint;
  readonly #length: number;
  /** Offset of the first mapped page in the file, and of the first byte in that page. */
  readonly #fileOffset: number;
  readonly #pageSize: number;
  readonly #range: GuardedRange | null;
  #mapped = true;

  /**
   * The caller keeps `fd`.
   * @throws VhostUserError `EPROTO` if the file is not one that can be relied on, or does not reach that far.
   */
  constructor(calls: SystemCalls, guard: SigbusGuard | null, place: MappingPlace) {
    const { fd, offset, size } = place;
    const status = calls.fileStatus(fd);
    checkFile(calls, guard, place, status);
    const lead = offset % status.pageSize;
    this.#calls = calls;
    this.#fileOffset = offset - lead;
    this.#pageSize = status.pageSize;
    this.#length = Math.ceil((lead + size) / status.pageSize) * status.pageSize;
    this.#address = calls.map(fd, this.#fileOffset, this.#length);
    this.size = size;
    try {
      this.#range = guard?.protect(this.#address, this.#length, status.pageSize) ?? null;
    } catch (error) {
      calls.unmap(this.#address, this.#length);
      throw error;
    }
    const start = this.#address + BigInt(lead);
    this.windows = Array.from({ length: Math.ceil(size / WINDOW) }, (_, index) =>
      calls.view(start + BigInt(index * WINDOW), Math.min(WINDOW, size - index * WINDOW)),
    );
  }

  /** Pages that the other process took away although they are mapped. */
  get faults(): number {
    return this.#range?.faults ?? 0;
  }

  /** True if `bytes` lie in this mapping. */
  holds(bytes: Uint8Array): boolean {
    return this.windows.some((window) => window === bytes.buffer);
  }

  /**
   * Cuts the memory off from the other process. What is written to it from now on stays here, and `kept` stays as it is now
   * whatever the other process writes. The rest of it may show what the other process writes.
   */
  makePrivate(fd: number, kept: readonly Uint8Array[]): void {
    this.#calls.map(fd, this.#fileOffset, this.#length, { private: true, at: this.#address });
    // A huge page cannot be copied unless one is free, and to try would be a SIGBUS.
    if (this.#pageSize !== this.#calls.pageSize) return;
    for (const bytes of kept) copyPages(bytes, this.#pageSize);
  }

  /** Nobody, the kernel included, may use the memory any more. Harmless the second time. */
  unmap(): void {
    if (!this.#mapped) return;
    this.#mapped = false;
    for (const window of this.windows) detach(window);
    this.#range?.release();
    this.#calls.unmap(this.#address, this.#length);
  }
}

function checkFile(calls: SystemCalls, guard: SigbusGuard | null, place: MappingPlace, status: FileStatus): void {
  const { fd, offset, size } = place;
  if (!status.isFile) throw protocolError("memory is not in a regular file");
  const untrusted = UNTRUSTED.get(status.fileSystem);
  if (untrusted !== undefined) throw protocolError(`memory is in a file on ${untrusted}, which may never answer`);
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(size) || size <= 0 || offset < 0) {
    throw protocolError(`memory of ${size} bytes at ${offset} of its file cannot be mapped`);
  }
  if (!isSealed(calls, fd) && guard === null) {
    throw protocolError("memory is in a file that cannot be sealed against shrinking; use memory-backend-memfd");
  }
  if (offset + size > status.size) {
    throw protocolError(`memory of ${size} bytes at ${offset} reaches beyond its file of ${status.size} bytes`);
  }
}

/** True if the file cannot become smaller; it is sealed if that is possible. */
function isSealed(calls: SystemCalls, fd: number): boolean {
  const seals = calls.getSeals(fd);
  if (seals === null) return false;
  return (seals & Seal.SHRINK) !== 0 || calls.addSeals(fd, Seal.SHRINK);
}

/** Writes to each page what is in it, so that it becomes this process's own. Atomically: storage may be reading it. */
function copyPages(bytes: Uint8Array, pageSize: number): void {
  for (let at = 0; at < bytes.length; at += pageSize) Atomics.or(bytes, at, 0);
  if (bytes.length > 0) Atomics.or(bytes, bytes.length - 1, 0);
}

/** Makes every view of a window empty, so that none can be touched later; Node 20 cannot. */
function detach(window: ArrayBuffer): void {
  const { transfer } = window as { transfer?: () => ArrayBuffer };
  if (transfer !== undefined) transfer.call(window);
}
