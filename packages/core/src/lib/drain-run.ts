import { BlockError, type Timer } from "@rehandle/driver-sdk";

import type { DrainOptions, DrainResult } from "./drain.ts";
import type { Engine } from "./engine.ts";
import { Gate } from "./gate.ts";
import { gaveUp } from "./hold-errors.ts";
import { EntryState, type RequestEntry } from "./request-entry.ts";
import type { Supervisor } from "./supervisor.ts";

/** Carries drains out. A drain ends when everything that it covers has ended, or with its deadline, whatever the storage does. */
export class DrainRun {
  #timer: Timer | null = null;
  #resolve: ((result: DrainResult) => void) | null = null;
  readonly #engine: Engine;
  readonly #supervisor: Supervisor;

  constructor(engine: Engine, supervisor: Supervisor) {
    this.#engine = engine;
    this.#supervisor = supervisor;
    supervisor.onProgress = () => this.#check();
  }

  /** @throws BlockError `EBUSY`, RangeError for a deadline out of range. */
  async run(options: DrainOptions): Promise<DrainResult> {
    const { held = "wait", deadline = 30_000 } = options;
    const { drain, clock } = this.#engine;
    if (!(deadline >= 0 && deadline <= 0x7fffffff)) {
      throw new RangeError(`deadline must be from 0 to 2147483647 ms, not ${deadline}`);
    }
    if (drain.state !== "normal") throw new BlockError("a drained section lasts already", { code: "EBUSY" });
    drain.moveTo("drain-requested");
    drain.mode = held;
    drain.lastSeq = this.#engine.lastSeq;
    drain.failed = 0;
    drain.exported = [];
    const result = new Promise<DrainResult>((resolve) => (this.#resolve = resolve));
    this.#timer = clock.setTimer(deadline, () => this.#onDeadline());
    this.#supervisor.closeGate(Gate.DRAINED);
    if (held === "wait") this.#supervisor.recovery.advance();
    else this.#clearQueue();
    this.#check();
    return result;
  }

  /** Ends the drained section. Harmless without one. */
  end(): void {
    if (this.#engine.drain.state !== "drained") return;
    this.#engine.drain.moveTo("normal");
    this.#supervisor.openGate(Gate.DRAINED);
  }

  /** Fails held requests now. */
  failHeld(id?: number): number {
    let count = 0;
    for (const entry of this.#engine.queue.snapshot()) {
      const chosen = id === undefined ? entry.troubled || entry.stopped : entry.seq === id;
      if (!chosen || entry.state !== EntryState.QUEUED) continue;
      this.#engine.finish(entry, gaveUp(entry, "failed by request of the operator"));
      count += 1;
    }
    if (count > 0) this.#supervisor.onSettled();
    return count;
  }

  /** A last drain before close: whatever section lasts is taken over, and everything that is held fails. */
  async finish(deadline: number): Promise<void> {
    this.#finish();
    if (this.#engine.drain.state === "drained") this.#engine.drain.moveTo("normal");
    await this.run({ held: "fail", deadline });
  }

  /** Fails whatever is left in the queue of a closed backend. */
  failQueued(): void {
    for (const entry of this.#engine.queue.snapshot()) {
      if (entry.state === EntryState.QUEUED) this.#engine.finish(entry, gaveUp(entry, "the backend was closed"));
    }
  }

  /** Fails or exports whatever the storage's trouble, or a pause, keeps in the queue. */
  #clearQueue(): void {
    const { queue, drain } = this.#engine;
    for (const entry of queue.snapshot()) {
      if (entry.state !== EntryState.QUEUED || entry.seq > drain.lastSeq) continue;
      // What only waits for an overlapping request that is on its way, or for room in the log, will have its turn.
      const willPass = entry.blockers > 0 || this.#supervisor.isUp;
      if (!entry.troubled && !entry.stopped && this.#engine.mayPass(entry) && willPass) continue;
      this.#remove(entry);
    }
  }

  #remove(entry: RequestEntry): void {
    const { drain } = this.#engine;
    if (drain.mode === "fail") {
      drain.failed += 1;
      this.#engine.finish(entry, gaveUp(entry, "the backend was drained"));
    } else {
      const { attempts, start, end } = entry;
      const mayLand = entry.mutates && this.#engine.late.isLanding(start, end);
      drain.exported.push({ request: this.#engine.export(entry), attempts, mayLand });
    }
  }

  #check(): void {
    const { drain, queue, inFlight } = this.#engine;
    const { overdue } = this.#engine.late;
    if (drain.state !== "drain-requested") return;
    if (drain.mode === "wait" && !this.#supervisor.maySend && inFlight.count === 0 && overdue.size === 0) {
      // Paused or stopped: waiting for held requests would be waiting for an operator.
      this.#finish();
      return;
    }
    if (drain.mode !== "wait") this.#clearQueue();
    const oldest = queue.head;
    if (inFlight.count > 0 || overdue.size > 0 || (oldest !== null && oldest.seq <= drain.lastSeq)) return;
    this.#finish();
  }

  #onDeadline(): void {
    const { drain, inFlight } = this.#engine;
    const { overdue } = this.#engine.late;
    if (drain.mode !== "wait") {
      const late: RequestEntry[] = [...overdue];
      for (let attempt = inFlight.head; attempt !== null; attempt = attempt.next) {
        const owner = attempt.owner;
        if (owner !== null && "seq" in owner) late.push(owner as RequestEntry);
      }
      for (const entry of late) this.#engine.late.callBack(entry);
      this.#clearQueue();
    }
    this.#finish();
  }

  #finish(): void {
    const { drain, inFlight, ledger } = this.#engine;
    const { overdue, fences } = this.#engine.late;
    // Completing requests may have brought the drain to its end from within.
    if (drain.state !== "drain-requested") return;
    this.#timer?.cancel();
    this.#timer = null;
    drain.moveTo("drained");
    this.#supervisor.recovery.quiet();
    const left = inFlight.count + overdue.size;
    const { failed, exported } = drain;
    const resolve = this.#resolve!;
    this.#resolve = null;
    resolve({
      quiescent: left + fences.size === 0,
      failed,
      held: ledger.total + this.#stopped(),
      inFlight: left,
      exported,
    });
  }

  #stopped(): number {
    let count = 0;
    for (let entry = this.#engine.queue.head; entry !== null; entry = entry.next) if (entry.stopped) count += 1;
    return count;
  }
}
