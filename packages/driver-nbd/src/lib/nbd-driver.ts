import {
  BlockError,
  type BlockDriver,
  type BlockRequest,
  type DriverCapabilities,
  type OpenContext,
} from "@rehandle/driver-sdk";
import { resolveOptions, type NbdDriverOptions, type NbdDriverSettings } from "./driver-options.ts";
import { requestCancelled } from "./nbd-errors.ts";
import { Upstream } from "./upstream.ts";

/**
 * A driver for an export of an NBD server. It reconnects for as long as it is open; what becomes of requests meanwhile is
 * the `reconnectDelay` option's to say, or that of the layer above, if that holds them.
 * @throws RangeError or TypeError if an option is wrong.
 */
export function createNbdDriver(options: NbdDriverOptions): BlockDriver {
  return new NbdDriver(resolveOptions(options));
}

class NbdDriver implements BlockDriver {
  readonly driverName = "nbd";
  readonly #settings: NbdDriverSettings;
  /** Null before `open`. */
  #upstream: Upstream | null = null;
  #isOpen = false;
  #closed: Promise<void> | null = null;

  constructor(settings: NbdDriverSettings) {
    this.#settings = settings;
  }

  get capabilities(): DriverCapabilities {
    if (!this.#isOpen) throw notOpen();
    return this.#upstream!.capabilities;
  }

  async open(context: OpenContext): Promise<DriverCapabilities> {
    if (this.#upstream !== null)
      throw new BlockError("the driver was opened before", { code: "EBUSY", operation: "open" });
    this.#upstream = new Upstream(this.#settings, context);
    const capabilities = await this.#upstream.open();
    this.#isOpen = true;
    return capabilities;
  }

  submit(request: BlockRequest): void {
    if (this.#isOpen) this.#upstream!.submit(request);
    else request.complete(request, requestCancelled(request, "the driver is not open", "EBADF"));
  }

  abandon(request: BlockRequest): boolean {
    return this.#isOpen && this.#upstream!.abandon(request);
  }

  reconnectNow(): void {
    if (this.#isOpen) this.#upstream!.reconnectNow();
  }

  close(): Promise<void> {
    this.#closed ??= this.#upstream?.close() ?? Promise.resolve();
    return this.#closed;
  }
}

function notOpen(): BlockError {
  return new BlockError("the driver is not open", { code: "EBADF" });
}
