import {
  BlockError,
  type BlockDriver,
  type BlockRequest,
  type DriverCapabilities,
  type OpenContext,
} from "@rehandle/driver-sdk";

/** A driver that keeps requests until the test lets them go, and that can be made to fail them. */
export interface HeldDriver extends BlockDriver {
  resize(size: number): Promise<void>;
  /** Requests are kept from now on (true), or go straight through (false, at first). */
  hold: boolean;
  /** What the next requests of a kind fail with instead of reaching the storage. */
  readonly failures: Map<BlockRequest["operation"], BlockError>;
  /** The requests that are kept. */
  readonly held: BlockRequest[];
  /** A copy of everything that was submitted. */
  readonly log: Pick<BlockRequest, "operation" | "offset" | "length" | "flags">[];
  /** Requests that are kept can be cancelled. At first they cannot. */
  cancels: boolean;
  /** Lets everything go that is kept; `last` first if reversed. */
  release(reversed?: boolean): void;
}

/** Wraps a driver that is open already, or is opened through the wrapper. */
export function createHeldDriver(inner: BlockDriver): HeldDriver {
  const held: BlockRequest[] = [];
  const failures: HeldDriver["failures"] = new Map();
  const log: HeldDriver["log"] = [];
  const pass = (request: BlockRequest): void => {
    const failure = failures.get(request.operation);
    if (failure === undefined) inner.submit(request);
    else request.complete(request, failure);
  };
  return {
    driverName: "held",
    hold: false,
    cancels: false,
    failures,
    held,
    log,
    get capabilities(): DriverCapabilities {
      return inner.capabilities;
    },
    open: (context: OpenContext) => inner.open(context),
    submit(request: BlockRequest): void {
      const { operation, offset, length, flags } = request;
      log.push({ operation, offset, length, flags });
      if (this.hold) held.push(request);
      else pass(request);
    },
    cancel(request: BlockRequest): void {
      const place = held.indexOf(request);
      if (!this.cancels || place < 0) return;
      held.splice(place, 1);
      request.complete(request, new BlockError("cancelled", { code: "ECANCELED" }));
    },
    release(reversed = false): void {
      const requests = held.splice(0);
      if (reversed) requests.reverse();
      for (const request of requests) pass(request);
    },
    resize: (size: number) => inner.resize?.(size) ?? Promise.reject(new Error("cannot resize")),
    close: () => inner.close(),
  };
}
