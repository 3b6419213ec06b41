import {
  BlockError,
  checkRequest,
  type BlockDriver,
  type BlockRequest,
  type DriverCapabilities,
  type OpenContext,
  type Timer,
} from "@rehandle/driver-sdk";
import { DriverConnection, type DriverConnectionOwner } from "./driver-connection.ts";
import { resolveDriverOptions, type DriverSettings, type VhostUserDriverOptions } from "./driver-options.ts";
import { failed, lost } from "./driver-requests.ts";
import { nextDriverState, type DriverState } from "./driver-state.ts";

/** How long `close` waits for what is in flight, ms. */
const CLOSE_TIMEOUT_MS = 2000;

/**
 * A driver for the disk of a vhost-user-blk back end, such as `qemu-storage-daemon --export type=vhost-user-blk`. Payloads
 * are copied through memory that is shared with the back end. Requests fail with class `transport` when the back end goes
 * away, and it is connected to again for as long as the driver is open.
 * @throws RangeError if an option is wrong.
 */
export function createVhostUserDriver(options: VhostUserDriverOptions): BlockDriver {
  return new VhostUserDriver(resolveDriverOptions(options));
}

class VhostUserDriver implements BlockDriver, DriverConnectionOwner {
  /** What QEMU's driver for the same purpose is called. */
  readonly driverName = "virtio-blk-vhost-user";
  readonly #settings: DriverSettings;
  #state: DriverState = "new";
  #context: OpenContext | null = null;
  #capabilities: DriverCapabilities | null = null;
  #connection: DriverConnection | null = null;
  #generation = 0;
  #retry: Timer | null = null;
  #connecting = false;
  #lastRefusal = "";
  #closed: Promise<void> | null = null;
  #cancelOpen: (() => void) | null = null;

  constructor(settings: DriverSettings) {
    this.#settings = settings;
  }

  get capabilities(): DriverCapabilities {
    if (this.#capabilities === null) throw new BlockError("the driver is not open", { code: "EBADF" });
    return this.#capabilities;
  }

  async open(context: OpenContext): Promise<DriverCapabilities> {
    if (this.#state !== "new")
      throw new BlockError("the driver was opened before", { code: "EBUSY", operation: "open" });
    this.#setState("opening");
    this.#context = context;
    try {
      const connection = await this.#connectUnlessCancelled(context);
      this.#connection = connection;
      this.#capabilities = connection.capabilities;
      this.#setState("connected");
      return connection.capabilities;
    } catch (error) {
      if (this.#isOpening()) this.#setState("closed");
      throw error;
    }
  }

  submit(request: BlockRequest): void {
    if (this.#capabilities === null)
      return request.complete(request, failed(request, "EBADF", "the driver is not open"));
    const wrong = checkRequest(this.#capabilities, request);
    if (wrong !== null) return request.complete(request, wrong);
    if (this.#state === "connected") return this.#connection!.submit(request);
    if (this.#state === "disconnected") return request.complete(request, lost(request, "there is no back end"));
    return request.complete(request, failed(request, "ECANCELED", "the driver is closed"));
  }

  reconnectNow(): void {
    if (this.#state !== "disconnected" || this.#connecting) return;
    this.#retry?.cancel();
    this.#reconnect();
  }

  /** Waits up to {@link CLOSE_TIMEOUT_MS} for what is in flight. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  onResized(connection: DriverConnection, size: number): void {
    if (connection !== this.#connection || this.#state !== "connected" || size === this.capabilities.size) return;
    this.#capabilities = { ...this.capabilities, size };
    this.#context!.onEvent({ type: "resized", size });
  }

  onLost(connection: DriverConnection, error: BlockError): void {
    if (connection !== this.#connection) return;
    this.#connection = null;
    const loss = asTransport(error);
    if (this.#state !== "connected") return connection.abort(loss);
    this.#setState("disconnected");
    this.#context!.onEvent({ type: "disconnected", error: loss });
    connection.abort(loss);
    this.#retryLater();
  }

  async #connectUnlessCancelled({ clock, signal }: OpenContext): Promise<DriverConnection> {
    const cancelled = (): BlockError => new BlockError("open was cancelled", { code: "ECANCELED", operation: "open" });
    if (signal?.aborted === true) throw cancelled();
    const connecting = DriverConnection.open(this.#settings, clock, this);
    let abort = (): void => {};
    const cancel = new Promise<never>((_, reject) => (abort = () => reject(cancelled())));
    this.#cancelOpen = abort;
    signal?.addEventListener("abort", abort);
    try {
      return await Promise.race([connecting, cancel]);
    } catch (error) {
      connecting.then(
        (connection) => connection.abort(cancelled()),
        () => {},
      );
      throw error;
    } finally {
      this.#cancelOpen = null;
      signal?.removeEventListener("abort", abort);
    }
  }

  #isOpening(): boolean {
    return this.#state === "opening";
  }

  async #close(): Promise<void> {
    this.#cancelOpen?.();
    this.#retry?.cancel();
    const connection = this.#connection;
    if (this.#state !== "connected" || connection === null) {
      if (this.#state === "new" || this.#state === "disconnected") this.#setState("closed");
      return;
    }
    this.#setState("closing");
    let timer: Timer | null = null;
    const tooLong = new Promise<void>((resolve) => {
      timer = this.#context!.clock.setTimer(CLOSE_TIMEOUT_MS, resolve);
    });
    // A back end that fails now has nothing in flight any more either.
    await Promise.race([connection.drain().catch(() => {}), tooLong]);
    timer!.cancel();
    this.#connection = null;
    connection.abort(new BlockError("the driver was closed", { code: "ECANCELED" }));
    this.#setState("closed");
  }

  #retryLater(): void {
    const { clock, random } = this.#context!;
    // Not in step with others who lost the same back end.
    const pause = this.#settings.reconnectMs * (1 - 0.2 * random());
    this.#retry = clock.setTimer(pause, () => this.#reconnect());
  }

  #reconnect(): void {
    this.#connecting = true;
    DriverConnection.open(this.#settings, this.#context!.clock, this).then(
      (connection) => this.#found(connection),
      () => {
        this.#connecting = false;
        if (this.#state === "disconnected") this.#retryLater();
      },
    );
  }

  /** There is a back end again; it may serve something else. */
  #found(connection: DriverConnection): void {
    this.#connecting = false;
    const before = this.capabilities;
    const refusal = whyRefused(before, connection.capabilities);
    if (refusal !== null || this.#state !== "disconnected") {
      connection.abort(new BlockError("the driver has no use for it", { code: "ECANCELED" }));
      if (this.#state !== "disconnected") return;
      this.#tellRefusal(refusal!);
      return this.#retryLater();
    }
    const { size } = connection.capabilities;
    this.#connection = connection;
    this.#capabilities = { ...before, size };
    this.#lastRefusal = "";
    this.#generation += 1;
    this.#setState("connected");
    this.#context!.onEvent({ type: "connected", generation: this.#generation, instance: null });
    if (size !== before.size) this.#context!.onEvent({ type: "resized", size });
  }

  #tellRefusal(error: BlockError): void {
    if (error.message === this.#lastRefusal) return;
    this.#lastRefusal = error.message;
    this.#context!.onEvent({ type: "refused", error });
  }

  #setState(state: DriverState): void {
    this.#state = nextDriverState(this.#state, state);
  }
}

/** Why a back end must not be used that came after one with other capabilities, or null. */
function whyRefused(before: DriverCapabilities, now: DriverCapabilities): BlockError | null {
  const refuse = (why: string): BlockError => new BlockError(`the back end is back, but ${why}`, { code: "ESTALE" });
  if (now.size < before.size) return refuse(`with ${now.size} bytes instead of ${before.size}`);
  if (now.readOnly && !before.readOnly) return refuse("read-only");
  if (now.requestAlignment > before.requestAlignment || now.maxTransfer < before.maxTransfer) {
    return refuse("takes other requests than before");
  }
  for (const operation of ["flush", "discard", "writeZeroes"] as const) {
    if (before[operation] && !now[operation]) return refuse(`without ${operation}`);
  }
  return null;
}

function asTransport(error: BlockError): BlockError {
  if (error.errorClass === "transport") return error;
  return new BlockError(error.message, { code: error.code, errorClass: "transport", cause: error });
}
