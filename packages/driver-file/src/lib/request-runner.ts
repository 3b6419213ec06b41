import {
  changesData,
  checkRequest,
  RequestFlag,
  type BlockError,
  type BlockRequest,
  type Clock,
  type DriverCapabilities,
} from "@rehandle/driver-sdk";

import { allocateAligned } from "./aligned-memory.ts";
import { DIRECT_BUFFER, type ResolvedOptions } from "./file-driver-options.ts";
import type { FileSystem } from "./file-system.ts";
import { findExtents, type ExtentHost } from "./find-extents.ts";
import { FlushGate } from "./flush-gate.ts";
import type { OpenFile } from "./open-file.ts";
import { discardRange, zeroRange, type RangeHost } from "./range-operations.ts";
import { DONE, PageCachePath } from "./page-cache-path.ts";
import { requestFailure } from "./request-failure.ts";
import { RequestQueue } from "./request-queue.ts";
import type { SystemCalls } from "./system-calls.ts";
import { Transfer, type TransferHost } from "./transfer.ts";

/** What `driverState` holds while the driver has a request, but for the {@link Transfer} that moves it. */
const Place = { WAITING: "waiting", FLUSHING: "flushing", RANGE: "range" } as const;

/** What a {@link RequestRunner} is made of. */
export interface RunnerParts {
  readonly options: ResolvedOptions;
  readonly fileSystem: FileSystem;
  readonly systemCalls: SystemCalls | null;
  readonly clock: Clock;
  readonly file: OpenFile;
  readonly capabilities: DriverCapabilities;
}

/**
 * Runs requests on one open file: at most `queueDepth` are handed to the system at once, the others wait. It counts what
 * the system has not answered yet, so that the file is never closed, and its number given to another file, under a request.
 */
export class RequestRunner {
  /** The owner changes them when the size changes. */
  capabilities: DriverCapabilities;
  readonly #waiting = new RequestQueue();
  readonly #free: Transfer[];
  readonly #gate: FlushGate<BlockRequest>;
  readonly #range: (RangeHost & ExtentHost) | null;
  readonly #pageCache: PageCachePath;
  /** Calls that the system has not answered, and what is ready. */
  #underWay = 0;
  #idleListeners: (() => void)[] = [];
  #paused = false;

  constructor(parts: RunnerParts) {
    const { options, fileSystem, systemCalls, file } = parts;
    const { fd, alignment, blockDevice, blockSize } = file;
    this.capabilities = parts.capabilities;
    this.#free = this.#createTransfers(parts);
    this.#gate = new FlushGate(
      (done) => fileSystem.fdatasync(fd, done),
      !options.cacheDirect,
      (request, error) => this.#complete(request, error),
    );
    const unmap = options.discard === "unmap";
    this.#range = systemCalls && { fd, systemCalls, unmap, alignment, blockDevice, blockSize, refusedModes: new Set() };
    this.#pageCache = new PageCachePath(fd, options, systemCalls, {
      begun: () => this.hold(),
      done: (request) => this.#complete(request, null),
    });
  }

  #createTransfers({ options, fileSystem, clock, file }: RunnerParts): Transfer[] {
    const host: TransferHost = {
      fileSystem,
      clock,
      fd: file.fd,
      direct: options.cacheDirect,
      alignment: file.alignment,
      landed: (transfer, error) => this.#landed(transfer, transfer.request, error),
    };
    return allocateBuffers(options).map((buffer) => new Transfer(host, buffer));
  }

  /** Takes a request, as {@link BlockDriver.submit} does. */
  submit(request: BlockRequest): void {
    const error = checkRequest(this.capabilities, request);
    if (error !== null || (request.length === 0 && request.operation !== "flush")) {
      request.complete(request, error);
    } else if (!this.#paused && this.#pageCache.serve(request)) {
      return;
    } else if (this.#paused || (request.operation !== "flush" && !this.#hasTurn())) {
      request.driverState = Place.WAITING;
      this.#waiting.push(request);
    } else {
      this.#begin(request);
    }
  }

  /** Whoever came before goes first. */
  #hasTurn(): boolean {
    return this.#free.length > 0 && this.#waiting.length === 0;
  }

  /** See {@link BlockDriver.abandon}. */
  abandon(request: BlockRequest): boolean {
    const place = request.driverState;
    if (place instanceof Transfer) return place.detach();
    if (place !== Place.WAITING) return place === Place.FLUSHING || place === Place.RANGE || place === DONE;
    if (!this.#waiting.remove(request)) return false;
    request.driverState = null;
    // Not from within this call, where nobody expects it.
    queueMicrotask(() => refuse(request, cancelled(request)));
    return true;
  }

  /** Begins nothing more until {@link resume}. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#beginWaiting();
  }

  /** Begins nothing more and cancels what waits. */
  stop(): void {
    this.#paused = true;
    for (let request = this.#waiting.shift(); request !== undefined; request = this.#waiting.shift()) {
      refuse(request, cancelled(request));
    }
  }

  /** Counts a call of the owner as under way until {@link release}. */
  hold(): void {
    this.#underWay += 1;
  }

  release(): void {
    this.#underWay -= 1;
    this.#checkIdle();
  }

  /** Calls back when the system has answered everything: at once if it has. */
  whenIdle(listener: () => void): void {
    this.#idleListeners.push(listener);
    this.#checkIdle();
  }

  /** Hands a request to the system. There is a free transfer, or it is a flush. */
  #begin(request: BlockRequest): void {
    this.#underWay += 1;
    if (request.operation === "flush") {
      this.#flush(request);
      return;
    }
    const transfer = this.#free.pop() as Transfer;
    // What cannot be made stable any more is refused before it changes anything.
    const lost = needsFlush(request) ? this.#gate.failure : null;
    if (lost !== null) this.#landed(transfer, request, lost);
    else if (request.operation === "read" || request.operation === "write") this.#move(transfer, request);
    else this.#changeRange(transfer, request);
  }

  #flush(request: BlockRequest): void {
    request.driverState = Place.FLUSHING;
    if (this.capabilities.readOnly) this.#complete(request, null);
    else this.#gate.flush(request);
  }

  #move(transfer: Transfer, request: BlockRequest): void {
    request.driverState = transfer;
    transfer.start(request);
  }

  #changeRange(transfer: Transfer, request: BlockRequest): void {
    const range = this.#range;
    request.driverState = Place.RANGE;
    if (request.operation === "write-zeroes") {
      if (range === null) this.#move(transfer, request);
      else zeroRange(range, request, (result) => this.#zeroed(transfer, request, result));
    } else if (range === null) {
      this.#landed(transfer, request, requestFailure(request, "ENOTSUP", "Not supported here"));
    } else {
      const change = request.operation === "discard" ? discardRange : findExtents;
      change(range, request, (error) => this.#landed(transfer, request, error));
    }
  }

  #zeroed(transfer: Transfer, request: BlockRequest, result: BlockError | null | "write"): void {
    if (result !== "write") this.#landed(transfer, request, result);
    else if ((request.flags & RequestFlag.NO_FALLBACK) === 0) this.#move(transfer, request);
    else this.#landed(transfer, request, requestFailure(request, "ENOTSUP", "Zeroes would have to be written"));
  }

  /** A request is done but for its FUA. Its transfer is free for the next one. */
  #landed(transfer: Transfer, request: BlockRequest, error: BlockError | null): void {
    transfer.clear();
    this.#free.push(transfer);
    if (error === null && needsFlush(request)) this.#flush(request);
    else this.#complete(request, error);
    this.#beginWaiting();
  }

  #complete(request: BlockRequest, error: BlockError | null): void {
    request.driverState = null;
    this.#underWay -= 1;
    try {
      request.complete(request, error);
    } finally {
      this.#checkIdle();
    }
  }

  #checkIdle(): void {
    if (this.#underWay > 0 || this.#idleListeners.length === 0) return;
    const listeners = this.#idleListeners;
    this.#idleListeners = [];
    for (const listener of listeners) listener();
  }

  #beginWaiting(): void {
    while (!this.#paused && this.#free.length > 0) {
      const request = this.#waiting.shift();
      if (request === undefined) return;
      // The size may have changed since it was checked.
      const error = checkRequest(this.capabilities, request);
      if (error === null) this.#begin(request);
      else refuse(request, error);
    }
  }
}

/** Completes a request that the system never saw. */
function refuse(request: BlockRequest, error: BlockError): void {
  request.driverState = null;
  request.complete(request, error);
}

function cancelled(request: BlockRequest): BlockError {
  return requestFailure(request, "ECANCELED", "The request was given up before it began");
}

function needsFlush(request: BlockRequest): boolean {
  return (request.flags & RequestFlag.FUA) !== 0 && changesData(request.operation);
}

/** The buffers of all transfers, cut from one piece of memory that the system hands out as it is touched. */
function allocateBuffers(options: ResolvedOptions): Uint8Array[] {
  const { cacheDirect, copyLimit, queueDepth } = options;
  const size = cacheDirect ? DIRECT_BUFFER : copyLimit;
  const memory = cacheDirect ? allocateAligned(size * queueDepth) : new Uint8Array(size * queueDepth);
  return Array.from({ length: queueDepth }, (_, index) => memory.subarray(index * size, (index + 1) * size));
}
