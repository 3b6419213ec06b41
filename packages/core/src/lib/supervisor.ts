import type { BlockError, BlockDriver, Clock, DriverCapabilities, DriverEvent, Random } from "@rehandle/driver-sdk";

import type { Attempt } from "./attempt.ts";
import { Backoff } from "./backoff.ts";
import type { Engine } from "./engine.ts";
import type { BlockBackendOptions } from "./engine-options.ts";
import type { BackendEvent } from "./events.ts";
import { Gate } from "./gate.ts";
import { LogFlusher, type FlushHost } from "./log-flusher.ts";
import { Prober, type ProbeHost } from "./prober.ts";
import type { RangeItem } from "./range-item.ts";
import { RecoveryCycle, type CycleHost } from "./recovery-cycle.ts";
import { Recovery, type RecoveryHost } from "./recovery.ts";
import { ReplayLog } from "./replay-log.ts";
import { Replayer, type ReplayHost } from "./replayer.ts";
import { EntryState, type RequestEntry } from "./request-entry.ts";
import type { RequestQueue } from "./request-queue.ts";
import type { Supervision } from "./supervision.ts";

/** Wires the engine's data path to everything that brings an outage to its end. */
export class Supervisor implements Supervision, RecoveryHost, CycleHost, ReplayHost, ProbeHost, FlushHost {
  readonly clock: Clock;
  readonly backoff: Backoff;
  readonly queue: RequestQueue;
  readonly recovery: Recovery;
  readonly cycle: RecoveryCycle;
  readonly replayer: Replayer;
  readonly prober: Prober;
  congested = false;
  /** Called whenever something came back: a drain may be over. */
  onProgress: () => void = () => {};
  #instance: string | null = null;
  readonly #engine: Engine;
  readonly #driver: BlockDriver;
  readonly #flusher: LogFlusher;
  readonly #log: ReplayLog;
  readonly #most: { requests: number; bytes: number };
  readonly #emit: (event: BackendEvent) => void;

  constructor(engine: Engine, options: BlockBackendOptions, random: Random, emit: (event: BackendEvent) => void) {
    this.#engine = engine;
    this.#driver = engine.driver;
    this.#emit = emit;
    this.clock = engine.clock;
    this.queue = engine.queue;
    this.backoff = new Backoff(options.backoff ?? {}, random);
    this.#log = engine.log ?? new ReplayLog();
    this.#most = { requests: options.maxHeldRequests ?? 16384, bytes: options.maxHeldBytes ?? 256 * 1024 * 1024 };
    this.cycle = new RecoveryCycle(this, options.ramp ?? {});
    this.replayer = new Replayer(this.#log, this);
    this.prober = new Prober(this, options.probe ?? {});
    this.#flusher = new LogFlusher(this.#log, this);
    this.recovery = new Recovery(this, this.cycle, this.replayer);
    engine.supervision = this;
  }

  // What the driver says.

  onDriverEvent(event: DriverEvent): void {
    if (event.type === "disconnected") {
      this.#emit({ type: "connection", connected: false, reason: event.error.message });
      this.recovery.onDisconnected();
    } else if (event.type === "connected") {
      this.#emit({ type: "connection", connected: true, reason: "connected again" });
      const known = event.instance !== null && event.instance === this.#instance;
      this.#instance = event.instance;
      this.#engine.connection += 1;
      this.prober.forget();
      if (!known) this.#expectRestart();
      this.recovery.onConnected();
    } else if (event.type === "refused") {
      this.#emit({ type: "refused", code: event.error.code, reason: event.error.message });
    } else {
      this.#emit({ type: "resized", size: event.size });
    }
  }

  // What the data path asks and tells.

  passes(entry: RequestEntry): boolean {
    if (entry.mutates && this.#engine.log !== null && this.#log.isFull) return false;
    if (this.recovery.isUp) return true;
    return this.#engine.policy[entry.direction].retryTimeout === 0 && !this.replayer.needed;
  }

  get isUp(): boolean {
    return this.recovery.isUp;
  }

  get isRecovering(): boolean {
    return this.recovery.isUnderWay;
  }

  get mayMakeRoom(): boolean {
    return this.#engine.hang.state === "normal" && (this.isUp || this.isRecovering);
  }

  onHeld(error: BlockError, stale: boolean): void {
    this.#watchCongestion();
    if (stale) this.recovery.advance();
    else this.recovery.onHeld(error.errorClass);
  }

  onAppended(entry: RequestEntry): void {
    this.#watchCongestion();
    this.cycle.onAppended(entry);
    if (entry.state === EntryState.QUEUED && entry.troubled) this.recovery.advance();
  }

  onRemoved(entry: RequestEntry): void {
    this.cycle.onRemoved(entry);
  }

  onUnblocked(entry: RequestEntry): void {
    if (this.cycle.active) this.cycle.onUnblocked(entry);
    else this.recovery.onUnblocked();
  }

  onSuccess(cycle: number): void {
    if (cycle > 0) this.cycle.onSuccess(cycle);
    // A success is worth as much as a probe.
    if (!this.recovery.isUp) this.recovery.onLateAnswer();
  }

  onFailure(cycle: number): void {
    this.cycle.onFailure(cycle);
  }

  onLateAnswer(): void {
    this.recovery.onLateAnswer();
  }

  onSettled(): void {
    if (this.replayer.running) this.replayer.fill();
    if (this.congested) this.#watchCongestion();
    if (this.#engine.drain.state !== "normal") this.onProgress();
  }

  onLogGrown(): void {
    const { gate, drain } = this.#engine;
    // A drain waits for the writes that wait for room.
    const open = gate === 0 || (gate === Gate.DRAINED && drain.state === "drain-requested");
    // A long backlog must not fill the log without end.
    if (open && (this.isUp || (this.isRecovering && !this.replayer.needed))) this.#flusher.send();
  }

  onStopped(): void {
    this.closeGate(Gate.STOPPED);
  }

  // The gate.

  closeGate(reason: number): void {
    this.#engine.gate |= reason;
    if ((reason & (Gate.PAUSED | Gate.STOPPED)) !== 0) this.#engine.hang.freeze(true);
    this.recovery.quiet();
  }

  /** Takes reasons away; when none is left everything goes on where it was. `retries`: the storage is tried at once. */
  openGate(reasons: number, retries = false): void {
    const engine = this.#engine;
    engine.gate &= ~reasons;
    if ((engine.gate & (Gate.PAUSED | Gate.STOPPED)) === 0) engine.hang.freeze(false);
    if (engine.gate !== 0) return;
    // Before anything is judged by what was known before the pause.
    if (retries) this.recovery.retryNow();
    this.releaseQueued();
    this.recovery.advance();
  }

  /** Lets go whatever is queued for no other reason than that the gate was closed or the log full. */
  releaseQueued(): void {
    for (const entry of this.queue.snapshot()) {
      if (entry.state !== EntryState.QUEUED || entry.troubled || entry.stopped) continue;
      if (entry.blockers > 0) this.#engine.behind.consider(entry);
      else if (this.#engine.mayPass(entry)) this.#engine.admitQueued(entry);
    }
    this.#watchCongestion();
  }

  // What recovery, its cycle, the probe, the log and its flush ask.

  get maySend(): boolean {
    const { gate, drain } = this.#engine;
    return gate === 0 || (gate === Gate.DRAINED && drain.state === "drain-requested" && drain.mode === "wait");
  }

  get hasHeld(): boolean {
    return this.#engine.ledger.total > 0;
  }

  get isTimedOut(): boolean {
    return this.#engine.hang.state === "timed-out";
  }

  get capabilities(): DriverCapabilities {
    return this.#driver.capabilities;
  }

  get generation(): number {
    return this.#engine.generation;
  }

  nextWait(): number {
    const { policy, ledger } = this.#engine;
    let wait = Infinity;
    let growing = ledger.total === 0;
    for (const direction of ["read", "write"] as const) {
      if (ledger.count[direction] === 0) continue;
      const { retryInterval } = policy[direction];
      if (retryInterval === undefined) growing = true;
      else wait = Math.min(wait, retryInterval);
    }
    return growing ? Math.min(wait, this.backoff.next()) : wait;
  }

  sendProbe(): void {
    this.prober.send();
  }

  onProbeDone(error: BlockError | null): void {
    this.recovery.onProbeDone(error);
    this.onProgress();
  }

  onIoSuccess(): void {
    if (this.isTimedOut) this.#engine.hang.end();
  }

  get outage(): number {
    return this.#engine.hang.outage?.id ?? 0;
  }

  onReachable(): boolean {
    if (this.capabilities.reportsConnection) return false;
    this.#expectRestart();
    return this.replayer.needed;
  }

  onDown(): void {
    if (this.#engine.gate === 0) this.releaseQueued();
  }

  onUp(): void {
    this.releaseQueued();
    if (this.#engine.log !== null && this.#log.wantsFlush) this.onLogGrown();
  }

  isSendable(entry: RequestEntry): boolean {
    if (entry.state !== EntryState.QUEUED || !entry.troubled || entry.blockers > 0 || !this.#engine.mayPass(entry))
      return false;
    const { retryInterval } = this.#engine.policy[entry.direction];
    if (retryInterval === undefined || this.recovery.eager || entry.lastAttemptAt === null) return true;
    return this.clock.now() - entry.lastAttemptAt >= retryInterval;
  }

  start(entry: RequestEntry): void {
    this.#engine.start(entry);
  }

  onBacklogEmpty(): void {
    this.recovery.onBacklogEmpty();
  }

  onCycleEnd(): void {
    this.recovery.onCycleEnd();
  }

  send(attempt: Attempt): void {
    this.#engine.send(attempt);
  }

  settled(attempt: Attempt): void {
    this.#engine.inFlight.remove(attempt);
  }

  abandon(attempt: Attempt): void {
    this.#engine.late.giveUp(attempt);
  }

  isLanding(start: number, end: number): boolean {
    return this.#engine.late.isLanding(start, end);
  }

  fence(fence: RangeItem): void {
    this.#engine.late.fence(fence, null);
  }

  unfence(fence: RangeItem): void {
    this.#engine.late.unfence(fence);
  }

  onReplayDone(count: number, bytes: number): void {
    this.#emit({ type: "replayed", count, bytes });
    this.recovery.onReplayDone();
    this.onProgress();
  }

  onReplayFailed(error: BlockError): void {
    this.#emit({ type: "replay-failed", code: error.code, reason: error.message });
    this.recovery.onReplayFailed();
    this.onProgress();
  }

  onLogFlushed(): void {
    this.releaseQueued();
    // What was acknowledged while the flush was on its way may be as much again.
    if (this.#log.wantsFlush) this.onLogGrown();
    this.onProgress();
  }

  onLogFlushFailed(error: BlockError): void {
    const held = this.#engine.policy.isHeld(error, "write");
    // Whoever waits for room meets the same failure: nobody else may be there to have the log cut.
    for (const entry of this.queue.snapshot()) {
      if (!this.#engine.waitsForRoom(entry)) continue;
      if (held && this.#engine.canHold(entry)) this.#engine.holdQueued(entry);
      else this.#engine.act(entry, error);
    }
    if (held) this.recovery.onHeld(error.errorClass);
    this.onProgress();
  }

  /** The instance behind the driver may be another than before: what it acknowledged may be lost. */
  #expectRestart(): void {
    if (this.#engine.log === null) return;
    this.#engine.generation += 1;
    this.replayer.require();
  }

  #watchCongestion(): void {
    const { requests, bytes } = this.#most;
    const { count, bytes: queued } = this.queue;
    const share = this.congested ? 0.5 : 1;
    const congested = count > requests * share || queued > bytes * share;
    if (congested === this.congested) return;
    this.congested = congested;
    this.#emit({ type: "congestion", congested });
  }
}
