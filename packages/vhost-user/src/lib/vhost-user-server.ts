import fs from "node:fs";
import { createVirtioBlockDevice, type VirtioBlockDevice, type VirtioBlockOptions } from "@rehandle/virtio-blk";

import { Connection } from "./back-end/connection.ts";
import { RetiredMappings } from "./back-end/retired-mappings.ts";
import { installSigbusGuard } from "./sigbus-guard.ts";
import { loadSystemCalls } from "./system-calls.ts";
import type { SystemCalls, Watcher } from "./system-calls.ts";
import { VhostUserError } from "./vhost-user-error.ts";

/** What a server tells. */
export type VhostUserEvent =
  /** A front end connected. */
  | { readonly type: "connected" }
  /** It left (`reason` null), or was left because of `reason`; code `EPROTO`: it broke the protocol. */
  | { readonly type: "disconnected"; readonly reason: VhostUserError | null }
  /** The guest's driver did what cannot be worked with; the device does nothing until the driver resets it. */
  | { readonly type: "broken"; readonly queue: number; readonly reason: string }
  /** No connection could be accepted; it is tried again. */
  | { readonly type: "accept-failed"; readonly error: VhostUserError };

/** A server for one virtio block device: what {@link VirtioBlockOptions} says of the device, and where to listen. */
export interface VhostUserServerOptions extends Omit<
  VirtioBlockOptions,
  "memory" | "onInterrupt" | "onConfigChange" | "onBroken" | "defer" | "yieldTurn"
> {
  /** Path of the unix socket, 1 … 107 bytes. A socket that nobody listens on any more is replaced. */
  readonly path?: string;
  /** Instead of `path`: a listening unix stream socket, which the server takes over. */
  readonly fd?: number;
  /**
   * How long requests may take to complete when the front end stops the queues, ms. QEMU's monitor waits meanwhile; what is
   * unfinished then is put back into the ring. Default 100.
   */
  readonly stopPatience?: number;
  /** Most bytes of guest memory that are mapped. Default 1 TiB. */
  readonly maxMemory?: number;
  /** Hears of connections and faults. Must not throw. */
  readonly onEvent?: (event: VhostUserEvent) => void;
}

/** A vhost-user back end for one virtio block device. */
export interface VhostUserServer {
  /** True while a front end is connected. */
  readonly connected: boolean;
  /**
   * Begins to accept front ends, one at a time; others wait in the socket's backlog.
   * @throws VhostUserError (as a rejection) `NOT_LINUX`, `KOFFI_MISSING`, `EADDRINUSE` and other errno names.
   */
  listen(): Promise<void>;
  /**
   * Ends it. Requests may complete for `graceMs` (default 0); what is unfinished then is left to the next back end, in the ring
   * or in the front end's inflight region.
   */
  close(options?: { readonly graceMs?: number }): Promise<void>;
  /** To be called after the block driver sent `resized`. */
  notifyResized(): void;
  /** The storage takes requests again, see `isCongested`. */
  resume(): void;
}

/**
 * Makes a server; several may live in one process.
 * @throws RangeError if an option is out of range, TypeError unless there is either `path` or `fd`.
 */
export function createVhostUserServer(options: VhostUserServerOptions): VhostUserServer {
  return new Server(options);
}

/** `new`: not listening yet. `listening`: front ends come and go. `closed`: over for good. */
type ServerState = "new" | "listening" | "closed";

const NEXT_STATES: Readonly<Record<ServerState, readonly ServerState[]>> = {
  new: ["listening", "closed"],
  listening: ["closed"],
  closed: [],
};

const BACKLOG = 16;
/** When to accept again after it failed, ms. */
const ACCEPT_AGAIN = 1000;
const MAX_MEMORY: number = 2 ** 40;
const STOP_PATIENCE = 100;

class Server implements VhostUserServer {
  readonly #options: VhostUserServerOptions;
  readonly #device: VirtioBlockDevice;
  #state: ServerState = "new";
  #calls: SystemCalls | null = null;
  #retired: RetiredMappings | null = null;
  #fd: number | null = null;
  #watcher: Watcher | null = null;
  #connection: Connection | null = null;

  constructor(options: VhostUserServerOptions) {
    if ((options.path === undefined) === (options.fd === undefined)) throw new TypeError("give either path or fd");
    this.#options = options;
    this.#device = createVirtioBlockDevice({
      ...options,
      onInterrupt: (queue) => this.#connection?.session.interrupt(queue),
      onConfigChange: () => this.#connection?.session.configChanged(),
      onBroken: (queue, reason) => {
        this.#connection?.session.signalError(queue);
        this.#tell({ type: "broken", queue, reason });
      },
      defer: (callback) => queueMicrotask(() => this.#turn(callback)),
      yieldTurn: (callback) => void setImmediate(() => this.#turn(callback)),
    });
  }

  get connected(): boolean {
    return this.#connection !== null;
  }

  async listen(): Promise<void> {
    if (this.#state !== "new") throw new VhostUserError("the server was started already", "EINVAL");
    this.#moveTo("listening");
    const calls = await loadSystemCalls();
    if (this.#hasState("closed")) return;
    const { clock } = this.#options;
    this.#calls = calls;
    this.#retired = new RetiredMappings(calls, clock, {
      lingering: () => this.#device.lingering,
      isRunning: () => this.#connection?.session.isRunning ?? false,
    });
    this.#fd = openListening(calls, this.#options);
    calls.setNonBlocking(this.#fd);
    this.#accept();
  }

  async close(options: { readonly graceMs?: number } = {}): Promise<void> {
    if (this.#state === "closed") return;
    this.#moveTo("closed");
    this.#stopListening();
    await this.#connection?.drain(options.graceMs ?? 0);
    this.#connection?.end(null);
    this.#retired?.close();
  }

  notifyResized(): void {
    this.#device.onResized();
  }

  resume(): void {
    this.#device.resume();
  }

  #hasState(state: ServerState): boolean {
    return this.#state === state;
  }

  #moveTo(state: ServerState): void {
    if (!NEXT_STATES[this.#state].includes(state)) {
      throw new Error(`a vhost-user server cannot go from ${this.#state} to ${state}`);
    }
    this.#state = state;
  }

  #tell(event: VhostUserEvent): void {
    this.#options.onEvent?.(event);
  }

  #turn(callback: () => void): void {
    callback();
    this.#connection?.checkFaults();
  }

  #stopListening(): void {
    this.#watcher?.close();
    if (this.#fd === null) return;
    this.#calls?.close(this.#fd);
    this.#fd = null;
    if (this.#options.path !== undefined) fs.rmSync(this.#options.path, { force: true });
  }

  /** Waits for the next front end. */
  #accept(): void {
    const [calls, fd] = [this.#calls, this.#fd];
    if (calls === null || fd === null) return;
    this.#watcher = calls.watch(
      fd,
      { readable: true },
      {
        onReady: () => this.#onConnection(calls, calls.accept(fd)),
        onError: (error) => {
          this.#tell({ type: "accept-failed", error: toError(error) });
          this.#options.clock.setTimer(ACCEPT_AGAIN, () => this.#accept());
        },
      },
    );
  }

  #onConnection(calls: SystemCalls, fd: number | null): void {
    const [retired, { clock, stopPatience = STOP_PATIENCE, maxMemory = MAX_MEMORY }] = [this.#retired, this.#options];
    if (fd === null || retired === null) return;
    // One at a time: whoever comes meanwhile waits in the backlog, as with QEMU's own back ends.
    this.#watcher?.close();
    const guard = installSigbusGuard(calls);
    const settings = { calls, guard, clock, device: this.#device, retired, stopPatience, maxMemory };
    this.#connection = new Connection(settings, fd, (reason) => {
      this.#connection = null;
      this.#tell({ type: "disconnected", reason });
      this.#accept();
    });
    this.#tell({ type: "connected" });
  }
}

function openListening(calls: SystemCalls, { path, fd }: VhostUserServerOptions): number {
  if (fd !== undefined) return fd;
  if (path === undefined) throw new TypeError("give either path or fd");
  try {
    return calls.listenUnix(path, BACKLOG);
  } catch (error) {
    if (toError(error).code !== "EADDRINUSE" || !isLeftOver(calls, path)) throw error;
    fs.rmSync(path);
    return calls.listenUnix(path, BACKLOG);
  }
}

/** True if nobody listens on the socket at `path`: whoever did was killed. */
function isLeftOver(calls: SystemCalls, path: string): boolean {
  if (fs.lstatSync(path, { throwIfNoEntry: false })?.isSocket() !== true) return false;
  try {
    calls.close(calls.connectUnix(path));
    return false;
  } catch (error) {
    return toError(error).code === "ECONNREFUSED";
  }
}

function toError(error: unknown): VhostUserError {
  if (error instanceof VhostUserError) return error;
  return new VhostUserError(error instanceof Error ? error.message : String(error), "EIO", error);
}
