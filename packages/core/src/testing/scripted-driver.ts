import {
  BlockError,
  createRandom,
  createRequest,
  createVirtualClock,
  defineCapabilities,
  type BlockDriver,
  type BlockRequest,
  type DriverCapabilities,
  type DriverEvent,
  type OpenContext,
  type VirtualClock,
} from "@rehandle/driver-sdk";

import { createBlockBackend, type BlockBackend } from "../lib/block-backend.ts";
import type { BlockBackendOptions } from "../lib/engine-options.ts";
import type { BackendEvent } from "../lib/events.ts";

/** What a scripted driver does with a request: `ok`, `wait` (nothing yet), or fail with this error code. */
export type Verdict = string;

/** A driver that does what a test says, request by request, and remembers what it was asked. */
export class ScriptedDriver implements BlockDriver {
  readonly driverName = "scripted";
  capabilities: DriverCapabilities;
  /** Decides about each request; by default all succeed. */
  decide: (request: BlockRequest) => Verdict = () => "ok";
  /** Every request ever seen, as `operation offset+length`. */
  readonly seen: string[] = [];
  /** Requests without an answer. */
  readonly waiting: BlockRequest[] = [];
  readonly abandoned: BlockRequest[] = [];
  detaches = false;
  tell: (event: DriverEvent) => void = () => {};
  held = false;
  closed = false;

  constructor(capabilities: Partial<DriverCapabilities> = {}) {
    this.capabilities = defineCapabilities({
      size: 1 << 20,
      flush: true,
      discard: true,
      writeZeroes: true,
      ...capabilities,
    });
  }

  open(context: OpenContext): Promise<DriverCapabilities> {
    this.tell = context.onEvent;
    this.held = context.held;
    return Promise.resolve(this.capabilities);
  }

  submit(request: BlockRequest): void {
    const { operation, offset, length } = request;
    this.seen.push(operation === "flush" ? "flush" : `${operation} ${offset}+${length}`);
    this.#answer(request, this.decide(request));
  }

  abandon(request: BlockRequest): boolean {
    this.abandoned.push(request);
    return this.detaches;
  }

  /** Answers the oldest request without an answer. */
  answer(verdict: Verdict = "ok"): void {
    const request = this.waiting.shift();
    if (request === undefined) throw new Error("no request is waiting for an answer");
    this.#answer(request, verdict);
  }

  disconnect(): void {
    this.tell({ type: "disconnected", error: new BlockError("lost", { code: "ECONNRESET" }) });
  }

  connect(instance: string | null = null): void {
    this.tell({ type: "connected", generation: 2, instance });
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }

  #answer(request: BlockRequest, verdict: Verdict): void {
    if (verdict === "wait") this.waiting.push(request);
    else if (verdict === "ok") request.complete(request, null);
    else request.complete(request, new BlockError(`scripted ${verdict}`, { code: verdict }));
  }
}

/** One request of a test's client, and how it ended. */
export interface Outcome {
  readonly request: BlockRequest;
  /** `pending`, `ok`, or the error's code. */
  state: string;
  error: BlockError | null;
  /** Clock's ms. */
  at: number;
}

/** A backend over a scripted driver, on a virtual clock, with a client beside it. */
export class Bench {
  readonly clock: VirtualClock = createVirtualClock();
  readonly driver: ScriptedDriver;
  readonly backend: BlockBackend;
  readonly events: BackendEvent[] = [];

  private constructor(driver: ScriptedDriver, options: BlockBackendOptions) {
    this.driver = driver;
    this.backend = createBlockBackend(driver, options);
    this.backend.subscribe((event) => this.events.push(event));
  }

  static async open(options: BlockBackendOptions = {}, capabilities: Partial<DriverCapabilities> = {}): Promise<Bench> {
    const bench = new Bench(new ScriptedDriver(capabilities), options);
    await bench.backend.open({ clock: bench.clock, random: createRandom(1), onEvent: () => {}, held: false });
    return bench;
  }

  read(offset: number, length = 512): Outcome {
    return this.#submit(createRequest({ operation: "read", offset, length, iov: [new Uint8Array(length)] }));
  }

  write(offset: number, length = 512, fill = 1, flags = 0): Outcome {
    const iov = [new Uint8Array(length).fill(fill)];
    return this.#submit(createRequest({ operation: "write", offset, length, iov, flags }));
  }

  flush(): Outcome {
    return this.#submit(createRequest({ operation: "flush" }));
  }

  /** The hang events so far, as e.g. `hang on`, `hang-timeout off`. */
  get hangEvents(): string[] {
    return this.events.flatMap((event) =>
      event.type === "hang" || event.type === "hang-timeout" ? [`${event.type} ${event.set ? "on" : "off"}`] : [],
    );
  }

  #submit(request: BlockRequest): Outcome {
    const outcome: Outcome = { request, state: "pending", error: null, at: -1 };
    request.complete = (_, error) => {
      if (outcome.state !== "pending") throw new Error("a request completed twice");
      outcome.state = error === null ? "ok" : error.code;
      outcome.error = error;
      outcome.at = this.clock.now();
    };
    this.backend.submit(request);
    return outcome;
  }
}
