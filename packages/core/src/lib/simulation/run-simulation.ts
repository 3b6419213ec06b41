import {
  createRandom,
  createRequest,
  createVirtualClock,
  BlockError,
  type BlockRequest,
  type Random,
  type VirtualClock,
} from "@rehandle/driver-sdk";

import { createBlockBackend, type BlockBackend } from "../block-backend.ts";
import type { BackendEvent } from "../events.ts";
import { Checker } from "./checker.ts";
import { CELLS, choose, createScenario, pick, type Scenario, type Verb } from "./scenario.ts";
import { SimulatedStorage } from "./simulated-storage.ts";

/** After the last trouble everything must be over within this time, ms of the virtual clock. */
const LIVENESS = 120_000;

/** What one simulated life came to. */
export interface SimulationResult {
  readonly seed: number;
  readonly scenario: Scenario;
  /** Every promise that was broken; empty if all is well. */
  readonly violations: readonly string[];
  readonly events: readonly BackendEvent[];
  readonly completed: number;
  readonly failed: number;
}

/**
 * Runs the production engine through one life that a seed stands for: a random workload over a random storage, with random
 * outages and operators, on a virtual clock. The same seed gives the same life.
 */
export async function runSimulation(seed: number, change: Partial<Scenario> = {}): Promise<SimulationResult> {
  const random = createRandom(seed);
  const scenario = { ...createScenario(random), ...change };
  const simulation = new Simulation(scenario, random);
  await simulation.run();
  const { events, completed, failed } = simulation;
  return { seed, scenario, violations: simulation.checker.violations, events, completed, failed };
}

class Simulation {
  readonly checker = new Checker();
  readonly events: BackendEvent[] = [];
  completed = 0;
  failed = 0;
  #seq = 0;
  #pending = 0;
  #timeouts = 0;
  #verbsLeft: number;
  #submitting = false;
  /** The requests that did not complete, with their numbers. */
  readonly #waiting = new Map<BlockRequest, number>();
  readonly #clock: VirtualClock = createVirtualClock();
  readonly #storage: SimulatedStorage;
  readonly #backend: BlockBackend;
  readonly #scenario: Scenario;
  readonly #random: Random;

  constructor(scenario: Scenario, random: Random) {
    this.#scenario = scenario;
    this.#random = random;
    this.#storage = new SimulatedStorage(scenario, random);
    this.#backend = createBlockBackend(this.#storage, scenario.backend);
    this.#verbsLeft = scenario.verbs.length;
  }

  async run(): Promise<void> {
    this.#backend.subscribe((event) => this.#onEvent(event));
    await this.#backend.open({ clock: this.#clock, random: this.#random, onEvent: () => {}, held: false });
    for (const { at, verb } of this.#scenario.verbs) this.#clock.setTimer(at, () => void this.#perform(verb));
    this.#submitMore();
    await this.#settle();
    // Whatever an operator, or the action `stop`, began is ended as often as it takes, now that the storage is well.
    for (let round = 0; round < 10; round += 1) {
      this.#heal();
      await this.#settle();
    }
    this.#checkEnd();
  }

  /** Runs the clock until nothing is left to happen, or for too long. */
  async #settle(): Promise<void> {
    const end = this.#clock.now() + LIVENESS;
    for (;;) {
      const due = this.#clock.nextDue;
      if (due !== undefined && due <= end) this.#clock.step();
      else if (this.#verbsLeft <= 0) return;
      // Drains and their likes are promises: let them go on before time does.
      if (this.#scenario.verbs.length > 0) for (let hop = 0; hop < 8; hop += 1) await Promise.resolve();
      if (due === undefined && this.#clock.nextDue === undefined) return;
    }
  }

  #submitMore(): void {
    if (this.#submitting) return;
    this.#submitting = true;
    while (this.#pending < this.#scenario.depth && this.#seq < this.#scenario.requests)
      this.#submit(this.#createRequest());
    this.#submitting = false;
  }

  /** The next request comes at once, or after the client thought about it. */
  #goOn(): void {
    const { thinkTime } = this.#scenario;
    if (thinkTime === 0) this.#submitMore();
    else this.#clock.setTimer(this.#random() * thinkTime, () => this.#submitMore());
  }

  #createRequest(): BlockRequest {
    const random = this.#random;
    const operation = choose(random, OPERATIONS);
    if (operation === "flush") return createRequest({ operation });
    const offset = pick(random, 0, CELLS - 1);
    const length = pick(random, 0, Math.min(12, CELLS - offset));
    const flags = operation !== "read" && this.#scenario.capabilities.fua && random() < 0.15 ? 1 : 0;
    const iov = operation === "write-zeroes" ? [] : [new Uint8Array(length)];
    if (operation === "write") iov[0]!.forEach((_, at) => (iov[0]![at] = pick(random, 1, 255)));
    return createRequest({ operation, offset, length, flags, iov });
  }

  #submit(request: BlockRequest): void {
    const seq = ++this.#seq;
    const before = this.checker.completions;
    const timeouts = this.#backend.hangState === "timed-out" ? -1 : this.#timeouts;
    let done = false;
    this.#pending += 1;
    this.#waiting.set(request, seq);
    this.checker.onSubmit(seq, request);
    request.complete = (_, error) => {
      if (done) this.checker.violations.push(`request ${seq} completed twice`);
      done = true;
      this.#pending -= 1;
      this.#waiting.delete(request);
      this.completed += 1;
      this.checker.onComplete(seq, request, error);
      if (request.operation === "flush" && error === null) this.checker.checkStable(seq, this.#storage.stable, before);
      if (error !== null) this.#checkError(seq, error, this.#timeouts > timeouts);
      // The client has its buffers back, and uses them for something else.
      for (const part of request.iov) part.fill(0xee);
      this.#goOn();
    };
    this.#backend.submit(request);
  }

  /** No error reaches the client before its policy says so. */
  #checkError(seq: number, error: BlockError, timedOut: boolean): void {
    this.failed += 1;
    if (this.#scenario.verbs.length > 0 || error.errorClass === "no-space") return;
    const { iohangTimeout, write } = this.#scenario.backend;
    if (iohangTimeout === 0 || write !== undefined) return;
    if (iohangTimeout === "forever") {
      this.checker.violations.push(`request ${seq} failed with ${error.code} although it was to be held for ever`);
    } else if (!timedOut && this.#backend.hangState !== "timed-out") {
      this.checker.violations.push(`request ${seq} failed with ${error.code} before the hang timed out`);
    }
  }

  #onEvent(event: BackendEvent): void {
    this.events.push(event);
    if (event.type !== "hang" && event.type !== "hang-timeout") return;
    if (event.type === "hang-timeout" && event.set) this.#timeouts += 1;
    const earlier = this.events.slice(0, -1).findLast((other) => other.type === event.type);
    const was = earlier !== undefined && "set" in earlier && earlier.set;
    if (was === event.set) this.checker.violations.push(`${event.type} ${event.set} was sent twice`);
    const state = this.#backend.hangState;
    const fits = event.type === "hang" ? (state === "hang") === event.set : !event.set || state === "timed-out";
    if (!fits) this.checker.violations.push(`${event.type} ${event.set} was sent in state ${state}`);
  }

  async #perform(verb: Verb): Promise<void> {
    const backend = this.#backend;
    if (verb === "pause" || verb === "resume") backend[verb]();
    else if (verb === "retry-now") backend.retryNow();
    else if (verb === "cancel") this.#cancel();
    else if (backend.drainState === "normal") await this.#drain(verb);
    this.#verbsLeft -= 1;
  }

  /** A client is gone that half of the requests are of. */
  #cancel(): void {
    const gone = Array.from(this.#waiting).filter(() => this.#random() < 0.5);
    for (const [request, seq] of gone) {
      if (!this.#waiting.has(request)) continue;
      this.#backend.cancel?.(request);
      if (!this.#waiting.has(request)) this.checker.onCancel(seq);
    }
  }

  async #drain(verb: Exclude<Verb, "pause" | "resume" | "retry-now" | "cancel">): Promise<void> {
    const backend = this.#backend;
    if (verb === "disable") {
      await backend.disable();
      backend.enable();
      return;
    }
    const held = verb === "drain-wait" ? "wait" : verb === "drain-fail" ? "fail" : "export";
    const started = this.#clock.now();
    const result = await backend.drain({ held, deadline: 3_000 });
    if (this.#clock.now() - started > 3_001) this.checker.violations.push(`drain ${held} took too long`);
    if (result.quiescent && backend.statistics().inFlightNow > 0)
      this.checker.violations.push("drained with requests in flight");
    // Whoever took the requests over failed too.
    for (const { request } of result.exported) request.complete(request, new BlockError("lost", { code: "EIO" }));
    backend.drainEnd();
  }

  #heal(): void {
    this.#backend.resume();
    this.#backend.drainEnd();
    this.#submitMore();
  }

  #checkEnd(): void {
    const { violations } = this.checker;
    if (this.#pending > 0) violations.push(`${this.#pending} requests never completed`);
    if (this.#seq < this.#scenario.requests) violations.push("the client could not submit all its requests");
    const { heldNow, queuedNow, inFlightNow, zombiesNow } = this.#backend.statistics();
    if (heldNow + queuedNow + inFlightNow + zombiesNow > 0) {
      violations.push(
        `left behind: ${heldNow} held, ${queuedNow} queued, ${inFlightNow} in flight, ${zombiesNow} zombies`,
      );
    }
    if (this.#backend.hangState === "hang") violations.push("the hang never ended");
    if (this.#clock.pending > 0) violations.push(`${this.#clock.pending} timers are left`);
    this.checker.checkAll("the disk at the end", this.#storage.current);
  }
}

const OPERATIONS = ["read", "read", "read", "write", "write", "write", "write", "write-zeroes", "flush"] as const;
