import {
  BlockError,
  checkRequest,
  defineCapabilities,
  type BlockDriver,
  type BlockRequest,
  type DriverCapabilities,
} from "@rehandle/driver-sdk";

/** What a {@link ScriptedDriver} does with an abandoned request. */
export type AbandonBehaviour = "detach" | "refuse" | "cancel" | "end-others";

/** A disk in an array, which answers when, in what order and how the test says. */
export class ScriptedDriver implements BlockDriver {
  readonly driverName = "scripted";
  capabilities: DriverCapabilities;
  readonly disk: Uint8Array;
  /** Requests wait until `complete`. */
  hold = false;
  abandoning: AbandonBehaviour = "detach";
  /** Called from within `submit`, before anything is done. */
  onSubmit: (() => void) | null = null;
  /** What waits. */
  readonly held: BlockRequest[] = [];
  /** Everything that was submitted, in words. */
  readonly log: string[] = [];
  readonly abandoned: BlockRequest[] = [];
  /** Payload of detached writes, as a driver that lets go of the buffers keeps it. */
  readonly #payloads: Map<BlockRequest, Uint8Array[]> = new Map();
  readonly #detached: Set<BlockRequest> = new Set();

  constructor(size: number, declared: Partial<DriverCapabilities> = {}) {
    this.disk = new Uint8Array(size);
    this.capabilities = defineCapabilities({
      size,
      flush: true,
      fua: true,
      discard: true,
      writeZeroes: true,
      abandon: true,
      ...declared,
    });
  }

  open(): Promise<DriverCapabilities> {
    return Promise.resolve(this.capabilities);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  submit(request: BlockRequest): void {
    const { operation, offset, length, flags } = request;
    this.log.push(`${operation} ${offset}+${length}${flags === 0 ? "" : ` flags ${flags}`}`);
    this.onSubmit?.();
    const refusal = checkRequest(this.capabilities, request);
    if (refusal !== null) request.complete(request, refusal);
    else if (this.hold) this.held.push(request);
    else this.#perform(request);
  }

  abandon(request: BlockRequest): boolean {
    this.abandoned.push(request);
    if (this.abandoning === "refuse") return false;
    const at = this.held.indexOf(request);
    if (at === -1) return false;
    if (this.abandoning === "cancel") {
      this.held.splice(at, 1);
      request.complete(request, new BlockError("given up", { code: "ECANCELED" }));
      return true;
    }
    // As a driver that drops its connection: all that it has fails, this one included.
    if (this.abandoning === "end-others") {
      for (const other of this.held.splice(0)) other.complete(other, new BlockError("lost", { code: "ECONNRESET" }));
      return true;
    }
    this.#detached.add(request);
    this.#payloads.set(
      request,
      request.iov.map((part) => part.slice()),
    );
    return true;
  }

  /** Completes the oldest that waits, or the one at `at`. */
  complete(at = 0, code?: string): void {
    const [request] = this.held.splice(at, 1);
    if (request === undefined) throw new Error("nothing waits");
    if (code === undefined) this.#perform(request);
    else request.complete(request, new BlockError("scripted", { code }));
  }

  /** A read that fails after a part of it came. */
  completeTorn(at: number, code: string): void {
    const [request] = this.held.splice(at, 1);
    request?.iov[0]?.fill(0xee, 0, 100);
    request?.complete(request, new BlockError("scripted", { code }));
  }

  completeAll(): void {
    while (this.held.length > 0) this.complete();
  }

  #perform(request: BlockRequest): void {
    const { operation, offset, length } = request;
    let at = offset;
    if (operation === "read" && !this.#detached.has(request)) {
      for (const part of request.iov) {
        part.set(this.disk.subarray(at, at + part.length));
        at += part.length;
      }
    } else if (operation === "write") {
      for (const part of this.#payloads.get(request) ?? request.iov) {
        this.disk.set(part, at);
        at += part.length;
      }
    } else if (operation === "write-zeroes" || operation === "discard") {
      this.disk.fill(0, offset, offset + length);
    }
    this.#detached.delete(request);
    this.#payloads.delete(request);
    request.complete(request, null);
  }
}
