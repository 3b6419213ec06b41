import {
  BlockError,
  defineCapabilities,
  type BlockDriver,
  type BlockRequest,
  type DriverCapabilities,
  type DriverEvent,
  type OpenContext,
} from "@rehandle/driver-sdk";

import type { DrainOptions, DrainResult, DrainState } from "./drain.ts";
import { DrainRun } from "./drain-run.ts";
import { Engine } from "./engine.ts";
import type { BlockBackendOptions } from "./engine-options.ts";
import type { BackendEvent } from "./events.ts";
import { Gate } from "./gate.ts";
import type { HangState, Outage } from "./hang-status.ts";
import { describeHeld, type HeldRequest } from "./held-request.ts";
import { HoldPolicy } from "./policy.ts";
import { ReplayLog } from "./replay-log.ts";
import { EntryState, RequestEntry } from "./request-entry.ts";
import type { BackendStatistics } from "./statistics.ts";
import { collectStatistics } from "./collect-statistics.ts";
import { Supervisor } from "./supervisor.ts";

/** How long `close` waits for what is with the driver, ms. */
const CLOSE_DEADLINE = 2000;

interface Opened {
  readonly engine: Engine;
  readonly supervisor: Supervisor;
  readonly drain: DrainRun;
}

/**
 * A disk that hangs instead of failing: any driver, with its failed requests held and sent again until they succeed.
 * It is a driver itself, so that it stands wherever a driver stands, as a QEMU filter node does.
 */
export interface BlockBackend extends BlockDriver {
  /** Hears everything that happens; returns the function that ends it. Listeners must not throw. */
  subscribe(listener: (event: BackendEvent) => void): () => void;
  /** The RFC's status, with the timed-out flag as a state of its own. */
  readonly hangState: HangState;
  /** The outage that goes on, or null. */
  readonly outage: Outage | null;
  /** RFC patch 4. */
  readonly drainState: DrainState;
  /** `pause` was called, or a failure's action was `stop`. */
  readonly ioStatus: "running" | "paused" | "stopped";
  /** More is queued than `maxHeldRequests` or `maxHeldBytes`; a transport should take no more requests for now. */
  readonly congested: boolean;
  /** The table that decides about failures. */
  readonly policy: HoldPolicy;
  /** Sends nothing more, and holds what fails, until `resume`. The outage's clock stands still. */
  pause(): void;
  /**
   * Ends a pause, and what the action `stop` began: everything that was held for it is sent again. A hang that timed out is
   * over with it; if the storage is still away a new one begins.
   */
  resume(): void;
  /** Tries the storage now, whatever the backoff says. */
  retryNow(): void;
  /** Lets the outage that goes on last `ms` milliseconds longer before `iohangTimeout`. */
  extend(ms: number): void;
  /** Fails held requests now with their error: the one with this id, or all. Returns how many. */
  failHeld(id?: number): number;
  /**
   * Brings the backend to rest: later requests wait until `drainEnd`. It always returns, within the deadline.
   * @throws BlockError (as a rejection) `EBUSY` if a drained section lasts already.
   */
  drain(options?: DrainOptions): Promise<DrainResult>;
  /** Ends the drained section; what waited goes on, and recovery is armed again. */
  drainEnd(): void;
  /** RFC patch 4: drains (failing what is held) and reports every error from then on. */
  disable(): Promise<DrainResult>;
  /** RFC patch 4: holds again. */
  enable(): void;
  /** Held requests with their timelines, oldest first, at most `limit` (default 1000). */
  heldRequests(limit?: number): HeldRequest[];
  /** What was counted since the backend was opened, and what is the case now. */
  statistics(): BackendStatistics;
}

/** Puts I/O hang over a driver. The driver is opened and closed by the backend. */
export function createBlockBackend(driver: BlockDriver, options: BlockBackendOptions = {}): BlockBackend {
  return new Backend(driver, options);
}

class Backend implements BlockBackend {
  readonly driverName = "rehandle";
  readonly policy: HoldPolicy;
  readonly #driver: BlockDriver;
  readonly #options: BlockBackendOptions;
  readonly #listeners = new Set<(event: BackendEvent) => void>();
  #opened: Opened | null = null;
  #capabilities: DriverCapabilities | null = null;
  #closing: Promise<void> | null = null;

  constructor(driver: BlockDriver, options: BlockBackendOptions) {
    this.#driver = driver;
    this.#options = options;
    this.policy = new HoldPolicy(options);
  }

  get capabilities(): DriverCapabilities {
    if (this.#capabilities === null) throw notOpen();
    return this.#capabilities;
  }

  async open(context: OpenContext): Promise<DriverCapabilities> {
    const { clock, random } = context;
    let forward: (event: DriverEvent) => void = () => {};
    const inner = await this.#driver.open({
      ...context,
      held: context.held || this.policy.holds,
      onEvent: (event) => forward(event),
    });
    const keepsLog = this.#options.replayLog !== false && inner.instance !== "fixed" && inner.flush;
    const log = keepsLog ? new ReplayLog(this.#options.replayLog || {}) : null;
    const emit = (event: BackendEvent): void => {
      for (const listener of this.#listeners) listener(event);
    };
    const requestTimeout = this.#options.requestTimeout ?? 0;
    const engine = new Engine({ driver: this.#driver, policy: this.policy, clock, log, requestTimeout, emit });
    const supervisor = new Supervisor(engine, this.#options, random, emit);
    this.#opened = { engine, supervisor, drain: new DrainRun(engine, supervisor) };
    this.#describe();
    forward = (event) => {
      // Whoever hears of a new size may ask for it.
      if (event.type === "resized") this.#describe();
      supervisor.onDriverEvent(event);
      if (!this.policy.holds || event.type === "resized" || event.type === "refused") context.onEvent(event);
    };
    return this.capabilities;
  }

  submit(request: BlockRequest): void {
    if (this.#opened === null) request.complete(request, notOpen());
    else this.#opened.engine.submit(request);
  }

  abandon(request: BlockRequest): boolean {
    const entry = request.driverState;
    const { engine } = this.#open();
    if (!(entry instanceof RequestEntry) || entry.request !== request) return false;
    entry.abandoned = true;
    entry.touched = true;
    if (entry.state === EntryState.QUEUED) {
      engine.finish(entry, new BlockError("the request was given up", { code: "ECANCELED" }));
      engine.supervision.onSettled();
      return true;
    }
    return engine.late.detachAbandoned(entry);
  }

  cancel(request: BlockRequest): void {
    const entry = request.driverState;
    if (!(entry instanceof RequestEntry) || entry.request !== request || entry.state !== EntryState.QUEUED) return;
    // What was tried may have landed in part.
    if (entry.mutates && entry.attempts > 0) return;
    const { engine } = this.#open();
    // Nobody sees it fail.
    engine.counters.failed -= 1;
    engine.finish(entry, new BlockError("nobody waits for the request any more", { code: "ECANCELED" }));
    engine.supervision.onSettled();
  }

  reconnectNow(): void {
    this.retryNow();
  }

  async resize(size: number): Promise<void> {
    if (this.#driver.resize === undefined)
      throw new BlockError("resize is not supported", { code: "ENOTSUP", operation: "resize" });
    await this.#driver.resize(size);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  subscribe(listener: (event: BackendEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get hangState(): HangState {
    return this.#open().engine.hang.state;
  }

  get outage(): Outage | null {
    return this.#open().engine.hang.outage;
  }

  get drainState(): DrainState {
    return this.#open().engine.drain.state;
  }

  get ioStatus(): "running" | "paused" | "stopped" {
    const { gate } = this.#open().engine;
    if ((gate & Gate.STOPPED) !== 0) return "stopped";
    return (gate & Gate.PAUSED) !== 0 ? "paused" : "running";
  }

  get congested(): boolean {
    return this.#open().supervisor.congested;
  }

  pause(): void {
    this.#open().supervisor.closeGate(Gate.PAUSED);
  }

  resume(): void {
    const { engine, supervisor } = this.#open();
    for (const entry of engine.queue.snapshot()) engine.ledger.resume(entry);
    // Somebody who resumes wants everything tried afresh, not failed at once because of what was before.
    if (engine.hang.state === "timed-out") engine.hang.end();
    supervisor.openGate(Gate.PAUSED | Gate.STOPPED, true);
  }

  retryNow(): void {
    this.#driver.reconnectNow?.();
    this.#open().supervisor.recovery.retryNow();
  }

  extend(ms: number): void {
    this.#open().engine.hang.extend(ms);
  }

  failHeld(id?: number): number {
    return this.#open().drain.failHeld(id);
  }

  drain(options: DrainOptions = {}): Promise<DrainResult> {
    return this.#open().drain.run(options);
  }

  drainEnd(): void {
    this.#open().drain.end();
  }

  async disable(): Promise<DrainResult> {
    const { engine } = this.#open();
    engine.enabled = false;
    const result = await this.drain({ held: "fail" });
    this.drainEnd();
    return result;
  }

  enable(): void {
    this.#open().engine.enabled = true;
  }

  heldRequests(limit = 1000): HeldRequest[] {
    return describeHeld(this.#open().engine, limit);
  }

  statistics(): BackendStatistics {
    const { engine, supervisor } = this.#open();
    return collectStatistics(engine, supervisor);
  }

  #open(): Opened {
    if (this.#opened === null) throw notOpen();
    return this.#opened;
  }

  #describe(): void {
    const inner = this.#driver.capabilities;
    const { log } = this.#open().engine;
    this.#capabilities = defineCapabilities({
      ...inner,
      abandon: true,
      reportsConnection: inner.reportsConnection && !this.policy.holds,
      // What a restarted backend lost is written again, so no layer above has to know.
      instance: log === null ? inner.instance : "fixed",
    });
  }

  async #close(): Promise<void> {
    if (this.#opened === null) return;
    const { engine, supervisor, drain } = this.#opened;
    await drain.finish(CLOSE_DEADLINE);
    // From here on nothing can come that nobody would end.
    engine.gate |= Gate.CLOSED;
    drain.failQueued();
    supervisor.recovery.quiet();
    supervisor.replayer.stop();
    engine.dispose();
    await this.#driver.close();
  }
}

function notOpen(): BlockError {
  return new BlockError("the backend is not open", { code: "EBADF" });
}
