import {
  BlockError,
  changesData,
  checkRequest,
  defineCapabilities,
  RequestFlag,
  type BlockDriver,
  type BlockRequest,
  type Clock,
  type DriverCapabilities,
  type DriverEvent,
  type OpenContext,
  type Random,
} from "@rehandle/driver-sdk";

import { CELLS, pick, type Scenario, type Trouble } from "./scenario.ts";

interface Job {
  readonly request: BlockRequest;
  readonly payload: Uint8Array;
  /** The buffers were taken back. */
  detached: boolean;
}

/** A change that reached the cache; payload null = zeroes. */
interface Landed {
  readonly offset: number;
  readonly payload: Uint8Array | null;
  readonly length: number;
  readonly stamp: number;
}

/** Storage with a volatile cache behind a connection, of one byte per cell, which goes wrong as its scenario says. */
export class SimulatedStorage implements BlockDriver {
  readonly driverName = "simulated";
  /** What a restart leaves. */
  readonly stable: Uint8Array = new Uint8Array(CELLS);
  /** What a read sees. */
  readonly current: Uint8Array = new Uint8Array(CELLS);
  capabilities: DriverCapabilities;
  #unflushed: Landed[] = [];
  /** Which change each stable cell is of: an older one never comes over it. */
  readonly #stableStamps: Uint32Array = new Uint32Array(CELLS);
  #stamp = 0;
  #jobs = new Set<Job>();
  #silent = 0;
  #frozen: Job[] = [];
  #down = 0;
  /** The silent connection was given up for a new one, which is answered when the silence is over. */
  #retired = false;
  #generation = 1;
  #instance = 1;
  #errors: (Trouble & { kind: "errors" })[] = [];
  #bad: (Trouble & { kind: "bad-cells" })[] = [];
  #clock!: Clock;
  #tell: (event: DriverEvent) => void = () => {};
  readonly #random: Random;
  readonly #scenario: Scenario;

  constructor(scenario: Scenario, random: Random) {
    this.#scenario = scenario;
    this.#random = random;
    this.capabilities = defineCapabilities({
      ...scenario.capabilities,
      size: CELLS,
      discard: true,
      writeZeroes: true,
      requestAlignment: 1,
    });
  }

  open(context: OpenContext): Promise<DriverCapabilities> {
    this.#clock = context.clock;
    this.#tell = context.onEvent;
    for (const trouble of this.#scenario.troubles) {
      this.#clock.setTimer(trouble.at, () => this.#begin(trouble));
      this.#clock.setTimer(trouble.at + trouble.duration, () => this.#end(trouble));
    }
    return Promise.resolve(this.capabilities);
  }

  submit(request: BlockRequest): void {
    const invalid = checkRequest(this.capabilities, request);
    if (invalid !== null) return request.complete(request, invalid);
    if (this.#down > 0) return request.complete(request, lost());
    const job: Job = { request, payload: joined(request), detached: false };
    if (this.#silent > 0) {
      this.#jobs.add(job);
      this.#frozen.push(job);
    } else if (this.#scenario.synchronous) {
      this.#work(job);
    } else {
      this.#jobs.add(job);
      this.#clock.setTimer(1 + this.#random() * 20, () => this.#arrive(job));
    }
  }

  abandon(request: BlockRequest): boolean {
    const { abandon, reportsConnection } = this.#scenario.capabilities;
    if (!abandon || !this.#scenario.detaches) return false;
    for (const job of this.#jobs) {
      if (job.request !== request) continue;
      job.detached = true;
      // A new connection beside the silent one: what is under way there goes on, and this is the last heard of it for now.
      if (reportsConnection && this.#down === 0 && this.#silent > 0) {
        this.#retired = true;
        this.#down += 1;
        this.#tell({ type: "disconnected", error: lost() });
      }
    }
    return true;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #begin(trouble: Trouble): void {
    if (trouble.kind === "errors") this.#errors.push(trouble);
    else if (trouble.kind === "bad-cells") this.#bad.push(trouble);
    else if (trouble.kind === "silence") this.#silent += 1;
    else this.#disconnect(trouble.crash);
  }

  #end(trouble: Trouble): void {
    if (trouble.kind === "errors") this.#errors = this.#errors.filter((other) => other !== trouble);
    else if (trouble.kind === "bad-cells") this.#bad = this.#bad.filter((other) => other !== trouble);
    else if (trouble.kind === "silence") this.#thaw();
    else this.#connect(1);
  }

  #disconnect(crash: boolean): void {
    this.#down += 1;
    const { reportsConnection } = this.#scenario.capabilities;
    if (reportsConnection && this.#down === 1) this.#tell({ type: "disconnected", error: lost() });
    const jobs = [...this.#jobs];
    for (const job of jobs) {
      if (!this.#jobs.has(job)) continue;
      const mayLinger = !crash && this.#frozen.includes(job);
      if (mayLinger) continue;
      this.#jobs.delete(job);
      this.#frozen = this.#frozen.filter((other) => other !== job);
      if (this.#random() < 0.5) this.#land(job, pick(this.#random, 0, job.request.length));
      job.request.complete(job.request, lost());
    }
    if (crash && this.#scenario.capabilities.instance !== "fixed") this.#crash();
  }

  #connect(count: number): void {
    this.#down -= count;
    if (this.#down > 0) return;
    this.#generation += 1;
    if (!this.#scenario.capabilities.reportsConnection) return;
    const instance = this.#scenario.capabilities.instance === "reported" ? String(this.#instance) : null;
    this.#tell({ type: "connected", generation: this.#generation, instance });
  }

  /** Some of what was not flushed is lost: any of the writes, in any combination. */
  #crash(): void {
    this.#instance += 1;
    for (const landed of this.#unflushed) if (this.#random() < 0.5) this.#stabilize(landed);
    this.#unflushed = [];
    this.current.set(this.stable);
  }

  #thaw(): void {
    this.#silent -= 1;
    if (this.#silent > 0) return;
    const frozen = this.#frozen;
    this.#frozen = [];
    for (const job of frozen) this.#clock.setTimer(this.#random() * 50, () => this.#arrive(job));
    if (!this.#retired) return;
    this.#retired = false;
    this.#clock.setTimer(this.#random() * 30, () => this.#connect(1));
  }

  #arrive(job: Job): void {
    if (!this.#jobs.has(job)) return;
    if (this.#silent > 0) {
      this.#frozen.push(job);
      return;
    }
    this.#jobs.delete(job);
    this.#work(job);
  }

  #work(job: Job): void {
    const { request } = job;
    const error = this.#errorFor(request);
    if (error !== null) {
      if (this.#random() < 0.3) this.#land(job, pick(this.#random, 0, request.length));
      request.complete(request, error);
      return;
    }
    if (request.operation === "read" && !job.detached) {
      let at = request.offset;
      for (const part of request.iov) {
        part.set(this.current.subarray(at, at + part.length));
        at += part.length;
      }
    } else if (request.operation === "flush") {
      this.#flush();
    } else {
      this.#land(job, request.length);
      if ((request.flags & RequestFlag.FUA) !== 0) {
        this.#stabilize(this.#unflushed.at(-1)!);
      }
    }
    request.complete(request, null);
  }

  #errorFor(request: BlockRequest): BlockError | null {
    const { offset, length } = request;
    for (const { cell, count } of this.#bad) {
      if (offset < cell + count && cell < offset + length) return new BlockError("bad cell", { code: "EIO" });
    }
    for (const { code, share } of this.#errors) {
      if (this.#random() >= share || (code === "ENOSPC" && !changesData(request.operation))) continue;
      return new BlockError(`simulated ${code}`, { code });
    }
    return null;
  }

  /** The first `length` bytes of a change reach the cache. */
  #land(job: Job, length: number): void {
    const { operation, offset } = job.request;
    if (!changesData(operation)) return;
    const payload = operation === "write" ? job.payload.slice(0, length) : null;
    apply(this.current, offset, payload, length);
    this.#unflushed.push({ offset, payload, length, stamp: ++this.#stamp });
  }

  #flush(): void {
    for (const landed of this.#unflushed) this.#stabilize(landed);
    this.#unflushed = [];
  }

  #stabilize({ offset, payload, length, stamp }: Landed): void {
    for (let at = 0; at < length; at += 1) {
      if (this.#stableStamps[offset + at]! > stamp) continue;
      this.#stableStamps[offset + at] = stamp;
      this.stable[offset + at] = payload === null ? 0 : payload[at]!;
    }
  }
}

function apply(disk: Uint8Array, offset: number, payload: Uint8Array | null, length: number): void {
  if (payload === null) disk.fill(0, offset, offset + length);
  else disk.set(payload, offset);
}

function joined(request: BlockRequest): Uint8Array {
  if (request.operation !== "write") return new Uint8Array(0);
  const payload = new Uint8Array(request.length);
  let at = 0;
  for (const part of request.iov) {
    payload.set(part, at);
    at += part.length;
  }
  return payload;
}

function lost(): BlockError {
  return new BlockError("the connection is lost", { code: "ECONNRESET" });
}
