import {
  BlockError,
  copyFromIov,
  copyToIov,
  createRequest,
  sliceIov,
  toBlockError,
  type BlockRequest,
  type Clock,
} from "@rehandle/driver-sdk";

import { sharedZeroes } from "./aligned-memory.ts";
import type { FileSystem, SystemError } from "./file-system.ts";

/** What the transfers of one open file share. */
export interface TransferHost {
  readonly fileSystem: FileSystem;
  readonly clock: Clock;
  readonly fd: number;
  /** O_DIRECT: everything goes through the transfer's own buffer, which is aligned. */
  readonly direct: boolean;
  /** Bytes. */
  readonly alignment: number;
  /** The transfer ended; nothing of it can land any more. */
  landed(transfer: Transfer, error: BlockError | null): void;
}

/** How often a call that was interrupted or that would have had to wait is made again before its error is believed. */
const MOST_TRIES = 100;
/** Milliseconds before a call that would have had to wait is made again. */
const TRY_AGAIN_AFTER = 1;

/** Stands where a transfer has no request. */
const NONE: BlockRequest = createRequest();

/** Where the bytes of a transfer come from or go to. */
type Route = "straight" | "copied" | "zeroes";

/**
 * Moves the bytes of one read, write or (the slow way) write-zeroes until all are moved: short transfers are continued,
 * interrupted ones made again. Made once and used for many requests, so that a request costs no closure.
 *
 * What the thread pool was given cannot be taken back. So a request that fits is copied through the transfer's own buffer,
 * and the submitter's can be let go of at any time ({@link detach}).
 */
export class Transfer {
  readonly #host: TransferHost;
  /** The transfer's own memory; empty if nothing is to be copied. */
  readonly #buffer: Uint8Array;
  #request: BlockRequest = NONE;
  #route: Route = "straight";
  #detached = false;
  #tries = 0;
  /** Bytes of the request that were moved. */
  #done = 0;
  /** copied: the part of the request that the buffer holds. */
  #pieceStart = 0;
  #pieceEnd = 0;

  constructor(host: TransferHost, buffer: Uint8Array) {
    this.#host = host;
    this.#buffer = buffer;
  }

  /** The request that is being moved. */
  get request(): BlockRequest {
    return this.#request;
  }

  start(request: BlockRequest): void {
    this.#request = request;
    this.#detached = false;
    this.#tries = 0;
    this.#done = 0;
    this.#pieceStart = 0;
    this.#pieceEnd = 0;
    if (request.operation === "write-zeroes") this.#route = "zeroes";
    else this.#route = this.#host.direct || request.length <= this.#buffer.length ? "copied" : "straight";
    this.#step();
  }

  /** Promises, if true, that the request's buffers are neither read nor written from now on. */
  detach(): boolean {
    if (this.#route === "zeroes") return true;
    if (this.#route === "straight") return false;
    // A write that was not copied whole needs its buffers for the next piece.
    if (this.#request.operation === "write" && this.#pieceEnd < this.#request.length) return false;
    this.#detached = true;
    return true;
  }

  #step(): void {
    const { length, iov, offset } = this.#request;
    const done = this.#done;
    const position = offset + done;
    if (this.#route === "zeroes") {
      const zeroes = sharedZeroes();
      this.#move(zeroes, 0, Math.min(zeroes.length, length - done), position);
    } else if (this.#route === "copied") {
      if (done === this.#pieceEnd) this.#nextPiece();
      this.#move(this.#buffer, done - this.#pieceStart, this.#pieceEnd - done, position);
    } else if (iov.length === 1) {
      this.#move(iov[0] as Uint8Array, done, length - done, position);
    } else {
      this.#moveParts(done === 0 ? iov : sliceIov(iov, done, length - done), position);
    }
  }

  #move(buffer: Uint8Array, from: number, length: number, position: number): void {
    const { fileSystem, fd } = this.#host;
    if (this.#request.operation === "read") fileSystem.read(fd, buffer, from, length, position, this.#onMoved);
    else fileSystem.write(fd, buffer, from, length, position, this.#onMoved);
  }

  #moveParts(parts: readonly Uint8Array[], position: number): void {
    const { fileSystem, fd } = this.#host;
    if (this.#request.operation === "read") fileSystem.readv(fd, parts, position, this.#onMoved);
    else fileSystem.writev(fd, parts, position, this.#onMoved);
  }

  #nextPiece(): void {
    const { operation, length, iov } = this.#request;
    this.#pieceStart = this.#done;
    this.#pieceEnd = Math.min(length, this.#done + this.#buffer.length);
    if (operation === "write") {
      copyFromIov(iov, this.#buffer.subarray(0, this.#pieceEnd - this.#pieceStart), this.#pieceStart);
    }
  }

  readonly #onMoved = (error: SystemError, bytes: number): void => {
    if (error !== null) {
      this.#onError(error);
      return;
    }
    this.#tries = 0;
    // With O_DIRECT the next call must begin at an aligned offset: what is past the last one is moved again.
    const kept = bytes - (bytes % this.#host.alignment);
    if (kept === 0) {
      this.#end(this.#stopped());
      return;
    }
    this.#done += kept;
    if (this.#route === "copied" && this.#done === this.#pieceEnd) this.#deliver();
    const missed = this.#missed();
    if (missed !== null || this.#done === this.#request.length) this.#end(missed);
    else this.#step();
  };

  #deliver(): void {
    if (this.#detached || this.#request.operation !== "read") return;
    const { iov } = this.#request;
    copyToIov(iov, this.#buffer.subarray(0, this.#pieceEnd - this.#pieceStart), this.#pieceStart);
  }

  #onError(error: NodeJS.ErrnoException): void {
    const { operation, offset, length } = this.#request;
    this.#tries += 1;
    if (error.code === "EINTR" && this.#tries <= MOST_TRIES) {
      this.#step();
    } else if (error.code === "EAGAIN" && this.#tries <= MOST_TRIES) {
      this.#host.clock.setTimer(TRY_AGAIN_AFTER, this.#again);
    } else {
      this.#end(toBlockError(error, { operation, offset, length }));
    }
  }

  readonly #again = (): void => this.#step();

  /** A read whose submitter is gone did not deliver. Null: all is well. */
  #missed(): BlockError | null {
    const { operation, offset, length } = this.#request;
    if (!this.#detached || operation !== "read") return null;
    return new BlockError("The read was abandoned", { code: "ECANCELED", operation, offset, length });
  }

  /** No error and no progress. */
  #stopped(): BlockError {
    const { operation, offset, length } = this.#request;
    const at = offset + this.#done;
    // Zeroes, as QEMU gives here, would be wrong data: the file was long enough when it was opened.
    const why = operation === "read" ? `The file ends before byte ${offset + length}` : `Nothing was written at ${at}`;
    return new BlockError(why, { code: "EIO", operation, offset, length });
  }

  #end(error: BlockError | null): void {
    this.#host.landed(this, error);
  }

  /** Forgets the request, so that a pooled transfer keeps no memory of it alive. */
  clear(): void {
    this.#request = NONE;
  }
}
