import type { BlockError } from "./block-error.ts";
import type { BlockRequest } from "./block-request.ts";
import type { DriverCapabilities } from "./capabilities.ts";
import type { Clock } from "./clock.ts";
import type { Random } from "./random.ts";

/** What a driver tells the layer above it, unasked. None of these is sent before `open` resolved or after `close` was called. */
export type DriverEvent =
  /** The way to the storage is lost; requests fail with class `transport` until `connected`. */
  | { readonly type: "disconnected"; readonly error: BlockError }
  /**
   * The way to the storage is back (the first connection, made by `open`, is not reported). `generation` grows by at least
   * one with every loss. `instance`: see {@link DriverCapabilities.instance}; null if not known.
   */
  | { readonly type: "connected"; readonly generation: number; readonly instance: string | null }
  /**
   * Storage answers again, but it must not be used: it is smaller, read-only or recognisably another disk. The driver stays
   * disconnected and goes on trying. `error` says what is wrong.
   */
  | { readonly type: "refused"; readonly error: BlockError }
  /** `capabilities.size` changed. */
  | { readonly type: "resized"; readonly size: number };

/** What a driver is given when it is opened. */
export interface OpenContext {
  /** The only time that the driver may use. */
  readonly clock: Clock;
  /** The only chance that the driver may use. */
  readonly random: Random;
  /** Hears the driver's events. */
  readonly onEvent: (event: DriverEvent) => void;
  /**
   * A layer above holds failed requests and sends them again: the driver then fails a request at once when the way to the
   * storage is lost, reconnects for ever, and its own waiting options (such as NBD's `reconnect-delay`) do not apply. Such a layer may come
   * and go while the driver is open: the driver looks here whenever it matters.
   */
  readonly held: boolean;
  /** Ends a slow `open` early; it then rejects with `ECANCELED`. */
  readonly signal?: AbortSignalLike;
}

/** The part of AbortSignal that is used; declared here so that neither the DOM's nor Node's types are needed. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  /** Calls `listener` when it is aborted. */
  addEventListener(type: "abort", listener: () => void): void;
  /** Ends that. */
  removeEventListener(type: "abort", listener: () => void): void;
}

/**
 * The contract at the bottom: whatever can be read and written by offset. Write a simple one with `defineDriver`, a fast one
 * against this interface, and prove either with `@rehandle/driver-sdk/conformance`.
 *
 * Life: `open` once, then requests, then `close` once. A closed driver is not opened again.
 */
export interface BlockDriver {
  /** What kind of driver it is, e.g. `file`, `nbd`; QEMU's `driver=` word where QEMU has one. */
  readonly driverName: string;
  /**
   * What the storage can do.
   * @throws BlockError `EBADF` before `open` resolved.
   */
  readonly capabilities: DriverCapabilities;
  /**
   * Makes the storage ready and resolves with the capabilities.
   * @throws BlockError (as a rejection) with the reason; nothing is left open then.
   */
  open(context: OpenContext): Promise<DriverCapabilities>;
  /**
   * Takes a request and completes it exactly once, now or later, in any order. Never throws: before `open` resolved and after
   * `close` was called the request is completed with an error. A request that is out of range,
   * misaligned, or not declared by the capabilities is completed with an error before anything is touched
   * (see `checkRequest`). Requests that are in flight at the same time are not ordered, not even where they overlap.
   */
  submit(request: BlockRequest): void;
  /**
   * The submitter no longer waits for this request (it took too long), and thinks that the way to the storage may be dead:
   * the driver should try another way for what comes next.
   *
   * True promises that from now on the driver neither reads nor writes `request.iov`; the submitter may use the buffers
   * again. The request still completes exactly once, as soon as it can no longer land on the storage; that, and a
   * `disconnected` event, may come from within the call. False promises nothing.
   */
  abandon?(request: BlockRequest): boolean;
  /**
   * Nobody needs this request any more, as when a client is gone. That says nothing about the storage. A driver that has
   * the request only waiting may complete it with `ECANCELED`, even from within the call; one that has begun with it goes
   * on as if nothing had been said. So a change is either not begun at all or carried out to its end.
   */
  cancel?(request: BlockRequest): void;
  /**
   * Tries to reach the storage now rather than when the driver's own backoff says so. Nothing happens when connected.
   */
  reconnectNow?(): void;
  /**
   * Changes the size to `size` bytes. Present and working iff `capabilities.resize`. Sends `resized`.
   * @throws BlockError (as a rejection).
   */
  resize?(size: number): Promise<void>;
  /**
   * Waits for what is in flight, lets go of the storage, and resolves. What has not reached the storage is completed with
   * `ECANCELED`; what may still land completes only when it no longer can, even if that is after `close` resolved. It does
   * not flush. It always resolves, within a bound that the driver documents.
   */
  close(): Promise<void>;
}
