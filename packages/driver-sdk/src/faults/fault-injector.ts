import type { BlockDriver, DriverEvent, OpenContext } from "../lib/block-driver.ts";
import { BlockError, classOfCode, type BlockErrorCode, type BlockErrorFields } from "../lib/block-error.ts";
import { changesData, type BlockRequest } from "../lib/block-request.ts";
import type { DriverCapabilities } from "../lib/capabilities.ts";
import { checkRequest } from "../lib/check-request.ts";
import { copyFromIov } from "../lib/iov.ts";
import type { Random } from "../lib/random.ts";
import type { CachedWrite, CrashOptions, DisconnectOptions, FaultAction, InFlightFate } from "./fault-action.ts";
import { FaultAttempt, type AttemptOwner } from "./fault-attempt.ts";
import { errorOf } from "./fault-error.ts";
import { faultCapabilities } from "./fault-capabilities.ts";
import type { FaultDriver } from "./fault-driver.ts";
import type { FaultDriverOptions } from "./fault-driver-options.ts";
import type { FaultEffect, FaultRule, FaultRuleHandle } from "./fault-rule.ts";
import { InnerAccess } from "./inner-access.ts";
import { drawDelay, RuleSet } from "./rule-set.ts";
import { runScript } from "./script-runner.ts";

const DEFAULT_FATES: readonly InFlightFate[] = ["lost", "landed"];

/** What `createFaultDriver` returns. */
export class FaultInjector implements FaultDriver, AttemptOwner {
  readonly driverName: string = "fault";
  resize?: (size: number) => Promise<void>;
  generation: number = 1;
  readonly #inner: BlockDriver;
  readonly #options: FaultDriverOptions;
  readonly #access: InnerAccess;
  readonly #rules: RuleSet;
  readonly #inFlight = new Set<FaultAttempt>();
  readonly #pool: FaultAttempt[] = [];
  #state: "new" | "open" | "closed" = "new";
  #context: OpenContext | null = null;
  #random: Random;
  #openedAt = 0;
  #capabilities: DriverCapabilities | null = null;
  #connected = true;
  #frozen = false;
  #restarts = 0;
  /** What requests fail with while disconnected. */
  #lossFields: BlockErrorFields = { code: "ECONNRESET" };
  /** While the attempts are walked through, none of them is used again. */
  #walking = 0;
  #connectAfterCrash = false;
  #stopScript: () => void = () => {};
  #closed: Promise<void> | null = null;

  constructor(inner: BlockDriver, options: FaultDriverOptions) {
    this.#inner = inner;
    this.#options = options;
    this.#access = new InnerAccess(inner, options.volatileCache ?? false);
    this.#rules = new RuleSet(options.rules ?? []);
    this.#random = options.random ?? (() => 0);
    if (inner.resize !== undefined) this.resize = (size) => this.#resize(size);
  }

  get capabilities(): DriverCapabilities {
    if (this.#capabilities === null) throw new BlockError("the driver is not open", { code: "EBADF" });
    return this.#capabilities;
  }

  get connected(): boolean {
    return this.#connected;
  }

  get instance(): string {
    return `instance-${this.#restarts + 1}`;
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  async open(context: OpenContext): Promise<DriverCapabilities> {
    if (this.#state !== "new") {
      throw new BlockError("the driver was opened or closed before", { code: "EBADF", operation: "open" });
    }
    this.#context = context;
    this.#random = this.#options.random ?? context.random;
    const inner = await this.#inner.open({ ...context, onEvent: (event) => this.#onInnerEvent(event) });
    this.#capabilities = faultCapabilities(inner, this.#options);
    if (!inner.resize) delete this.resize;
    this.#state = "open";
    this.#openedAt = context.clock.now();
    const { script = [] } = this.#options;
    if (script.length > 0) this.#stopScript = runScript(context.clock, script, (action) => this.perform(action));
    return this.#capabilities;
  }

  submit(request: BlockRequest): void {
    if (this.#state !== "open" || this.#capabilities === null) {
      request.complete(request, errorOf(request, "EBADF", undefined, "on a driver that is not open"));
      return;
    }
    const refusal = checkRequest(this.#capabilities, request);
    if (refusal !== null) {
      request.complete(request, refusal);
      return;
    }
    this.#options.onRequest?.(request);
    if (!this.#connected) {
      request.complete(request, this.#loss(request));
      return;
    }
    const attempt = this.#pool.pop() ?? new FaultAttempt(this);
    attempt.request = request;
    attempt.moveTo("waiting");
    request.driverState = attempt;
    this.#inFlight.add(attempt);
    const delay = this.#decide(attempt, request);
    if (delay > 0) this.#wait(attempt, delay);
    else this.onDue(attempt);
  }

  abandon(request: BlockRequest): boolean {
    const attempt = request.driverState;
    if (!(attempt instanceof FaultAttempt) || attempt.owner !== this || attempt.request !== request) return false;
    const { abandon = "detach", abandonAction } = this.#options;
    if (abandonAction !== undefined) this.#context?.clock.setTimer(0, () => this.perform(abandonAction));
    if (abandon === "refuse") return false;
    if (attempt.payload !== null || attempt.state === "cancelled") return true;
    if (attempt.state === "inner") return this.#inner.abandon?.(attempt.child) ?? false;
    const { operation, iov, length } = request;
    if (abandon === "cancel" || operation === "read" || operation === "block-status") {
      attempt.stopTimer();
      attempt.moveTo("cancelled");
      // Not from within this call: the submitter is still busy with the request.
      this.#wait(attempt, 0);
    } else if (operation === "write") {
      const copy = new Uint8Array(length);
      copyFromIov(iov, copy);
      attempt.payload = [copy];
    }
    return true;
  }

  reconnectNow(): void {
    this.#options.onReconnectNow?.();
    this.#inner.reconnectNow?.();
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  addRule(rule: FaultRule): FaultRuleHandle {
    return this.#rules.add(rule);
  }

  disconnect(options: DisconnectOptions = {}): void {
    if (this.#state !== "open" || !this.#connected) return;
    const { reportsConnection } = this.capabilities;
    this.#connected = false;
    this.generation += 1;
    const { code = reportsConnection ? "ECONNRESET" : "EIO", errorClass = classOfCode(code) } = options;
    this.#lossFields = { code, errorClass };
    const inFlight = [...this.#inFlight];
    this.#walk(() => {
      const error = new BlockError("the connection was lost", this.#lossFields);
      if (reportsConnection) this.#emit({ type: "disconnected", error });
      for (const attempt of inFlight) if (this.#inFlight.has(attempt)) this.#drop(attempt, options);
    });
  }

  connect(options: { readonly newInstance?: boolean } = {}): void {
    if (this.#state !== "open" || this.#connected) return;
    if (options.newInstance === true) this.#restarts += 1;
    this.#connectAfterCrash = this.#access.crashing;
    if (this.#connectAfterCrash) return;
    this.#connected = true;
    const { reportsConnection, instance } = this.capabilities;
    if (!reportsConnection) return;
    const known = instance === "reported" ? this.instance : null;
    this.#emit({ type: "connected", generation: this.generation, instance: known });
  }

  crash(options: CrashOptions = {}): void {
    if (this.#state !== "open") return;
    this.disconnect(options);
    this.#connectAfterCrash = false;
    // Whatever was still on its way to this instance finds nobody there.
    this.#forEach((attempt) => {
      if (attempt.state === "zombie") this.#finish(attempt, attempt.verdict);
    });
    this.#restarts += 1;
    this.#access.crash(this.#survival(options), (error) => {
      if (error !== null) this.refuse(error.code);
      else if (this.#connectAfterCrash) this.connect();
    });
  }

  freeze(): void {
    this.#frozen = true;
  }

  thaw(): void {
    this.#frozen = false;
    this.#forEach((attempt) => {
      if (attempt.state === "parked" || (attempt.state === "zombie" && attempt.released)) this.onDue(attempt);
    });
  }

  release(): void {
    this.#forEach((attempt) => {
      const stalled = attempt.state === "parked" && attempt.effect?.type === "stall";
      if (!stalled && attempt.state !== "zombie") return;
      attempt.released = true;
      attempt.stopTimer();
      this.onDue(attempt);
    });
  }

  refuse(code: BlockErrorCode = "ENODEV"): void {
    if (this.#state !== "open" || this.#connected || !this.capabilities.reportsConnection) return;
    this.#emit({ type: "refused", error: new BlockError("the storage must not be used", { code }) });
  }

  perform(action: FaultAction): void {
    switch (action.type) {
      case "disconnect":
        return this.disconnect(action);
      case "connect":
        return this.connect(action);
      case "crash":
        return this.crash(action);
      case "refuse":
        return this.refuse(action.code);
      case "freeze":
        return this.freeze();
      case "thaw":
        return this.thaw();
      case "release":
        return this.release();
    }
  }

  /** The time of an attempt has come: its delay is over, or it was let go. */
  onDue(attempt: FaultAttempt): void {
    const { request, effect } = attempt;
    if (request === null) return;
    if (attempt.state === "cancelled") {
      const cancelled = errorOf(request, "ECANCELED", undefined, "was abandoned");
      this.#finish(attempt, attempt.verdict ?? cancelled);
    } else if (attempt.state === "zombie") {
      attempt.released = true;
      if (!this.#frozen) this.#land(attempt, "landed");
    } else if (this.#frozen || (effect?.type === "stall" && !attempt.released)) {
      if (attempt.state !== "parked") attempt.moveTo("parked");
    } else if (effect === null) {
      this.#access.send(attempt, request.length);
    } else {
      this.#apply(attempt, request, effect);
    }
  }

  onInnerComplete(attempt: FaultAttempt, error: BlockError | null): void {
    this.#access.account(attempt, error);
    this.#finish(attempt, attempt.verdict ?? error);
    this.#access.crashWhenIdle();
  }

  /** Looks for the rules that apply; gives the delay. */
  #decide(attempt: FaultAttempt, request: BlockRequest): number {
    const { latency = 0 } = this.#options;
    const delay = latency === 0 ? 0 : drawDelay(latency, this.#random);
    if (this.#rules.isEmpty) return delay;
    const now = (this.#context?.clock.now() ?? 0) - this.#openedAt;
    return delay + this.#rules.decide(attempt, request, now, this.#random);
  }

  #apply(attempt: FaultAttempt, request: BlockRequest, effect: FaultEffect): void {
    switch (effect.type) {
      case "error":
        return this.#finish(attempt, errorOf(request, effect.code, effect.errorClass, "failed by a rule"));
      case "torn":
        attempt.verdict = errorOf(request, effect.code ?? "EIO", effect.errorClass, "was torn by a rule");
        return this.#land(attempt, "torn", effect.bytes);
      case "lost":
        if (changesData(request.operation) || request.operation === "flush") return this.#finish(attempt, null);
        return this.#access.send(attempt, request.length);
      case "disconnect":
        return this.disconnect(effect);
      case "crash":
        return this.crash(effect);
      case "stall":
      case "latency":
        return this.#access.send(attempt, request.length);
    }
  }

  /** The connection is gone: what becomes of one request in flight. */
  #drop(attempt: FaultAttempt, options: DisconnectOptions): void {
    const { request } = attempt;
    if (request === null || attempt.state === "zombie" || attempt.state === "cancelled") return;
    attempt.verdict = this.#loss(request);
    if (attempt.state === "inner") return;
    attempt.stopTimer();
    const { fates = DEFAULT_FATES, zombieDelay } = options;
    const canLand = changesData(request.operation) || request.operation === "flush";
    const fate = (canLand ? fates[Math.floor(this.#random() * fates.length)] : undefined) ?? "lost";
    if (fate === "lost") this.#finish(attempt, attempt.verdict);
    else if (fate === "zombie") {
      attempt.moveTo("zombie");
      attempt.released = false;
      if (zombieDelay !== undefined) this.#wait(attempt, drawDelay(zombieDelay, this.#random));
    } else this.#land(attempt, fate);
  }

  /** Lets a change or a flush happen, in full or in part; it completes with the attempt's verdict. */
  #land(attempt: FaultAttempt, fate: "landed" | "torn", bytes?: number): void {
    const { request } = attempt;
    if (request === null) return;
    const { operation, length } = request;
    if (fate === "landed") {
      this.#access.send(attempt, length);
      return;
    }
    const drawn = bytes ?? Math.floor(this.#random() * length);
    const unit = this.capabilities.requestAlignment;
    const prefix = changesData(operation) ? Math.min(length, drawn - (drawn % unit)) : 0;
    if (prefix > 0) this.#access.send(attempt, prefix);
    else this.#finish(attempt, attempt.verdict);
  }

  #finish(attempt: FaultAttempt, error: BlockError | null): void {
    const { request } = attempt;
    if (request === null) return;
    this.#inFlight.delete(attempt);
    attempt.reset();
    if (this.#walking === 0) this.#pool.push(attempt);
    request.driverState = null;
    request.complete(request, error);
  }

  #wait(attempt: FaultAttempt, ms: number): void {
    attempt.timer = this.#context?.clock.setTimer(ms, attempt.onTimer) ?? null;
  }

  /** Calls `visit` with every attempt that is in flight now and still is when its turn comes. */
  #forEach(visit: (attempt: FaultAttempt) => void): void {
    const inFlight = [...this.#inFlight];
    this.#walk(() => {
      for (const attempt of inFlight) if (this.#inFlight.has(attempt)) visit(attempt);
    });
  }

  #walk(work: () => void): void {
    this.#walking += 1;
    try {
      work();
    } finally {
      this.#walking -= 1;
    }
  }

  #survival({ survive = "none" }: CrashOptions): (write: CachedWrite) => boolean {
    if (typeof survive === "function") return survive;
    if (survive === "random") return () => this.#random() < 0.5;
    return () => survive === "all";
  }

  #loss(request: BlockRequest): BlockError {
    return errorOf(request, this.#lossFields.code, this.#lossFields.errorClass, "was lost with the connection");
  }

  #onInnerEvent(event: DriverEvent): void {
    if (event.type === "resized") {
      this.#access.stabilize();
      if (this.#state === "open") this.#capabilities = faultCapabilities(this.#inner.capabilities, this.#options);
    } else if (this.#state !== "open" || !this.#connected || !this.capabilities.reportsConnection) return;
    if (event.type !== "connected") return this.#emit(event);
    this.generation += 1;
    this.#emit({ ...event, generation: this.generation });
  }

  #emit(event: DriverEvent): void {
    if (this.#state === "open") this.#context?.onEvent(event);
  }

  async #resize(size: number): Promise<void> {
    if (!this.#connected) throw new BlockError("the connection is lost", { ...this.#lossFields, operation: "resize" });
    await this.#inner.resize?.(size);
  }

  async #close(): Promise<void> {
    this.#state = "closed";
    this.#stopScript();
    this.#forEach((attempt) => {
      const { request } = attempt;
      if (request === null || attempt.state === "inner") return;
      this.#finish(attempt, attempt.verdict ?? errorOf(request, "ECANCELED", undefined, "was given up by a close"));
    });
    await this.#inner.close();
  }
}
