import { defineCapabilities } from "@rehandle/driver-sdk";
import type { BlockDriver, BlockRequest, DriverCapabilities } from "@rehandle/driver-sdk";

/** A driver that holds what it is given until it is told what to do with it, and lets go of nothing. */
export class HeldDriver implements BlockDriver {
  readonly driverName = "held";
  readonly capabilities: DriverCapabilities = defineCapabilities({ size: 1 << 20, flush: true, zeroCopy: true });
  /** Oldest first. */
  readonly requests: BlockRequest[] = [];

  async open(): Promise<DriverCapabilities> {
    return this.capabilities;
  }

  submit(request: BlockRequest): void {
    this.requests.push(request);
  }

  /** Completes the oldest. */
  completeNext(): void {
    const request = this.requests.shift();
    if (request === undefined) throw new Error("there is no request");
    request.complete(request, null);
  }

  async close(): Promise<void> {}
}
