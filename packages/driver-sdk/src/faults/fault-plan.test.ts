import { describe, expect, it } from "vitest";
import type { DriverEvent } from "../lib/block-driver.ts";
import { RequestFlag } from "../lib/block-request.ts";
import { createRandom, type Random } from "../lib/random.ts";
import { codeOf, createFaultBench, type BenchRequest, type FaultBench } from "../testing/fault-bench.ts";
import { createFaultPlan } from "./fault-plan.ts";

const CELLS = 24;
const DURATION = 2000;

/** Which values a byte may hold, as far as anybody outside of the driver can know. */
class PossibleValues {
  /** Now. */
  current: Set<number> = new Set([0]);
  /** After a crash: whatever it held since the last flush. */
  afterCrash: Set<number> = new Set([0]);

  mayHold(value: number): void {
    this.current.add(value);
    this.afterCrash.add(value);
  }
}

interface Landing {
  readonly sent: BenchRequest;
  readonly offset: number;
  readonly length: number;
  readonly value: number;
}

/** One client, one request after the other, over storage that goes wrong as a seed says. */
class Client {
  readonly bench: FaultBench;
  readonly cells: PossibleValues[] = Array.from({ length: CELLS }, () => new PossibleValues());
  readonly trace: string[] = [];
  readonly all: BenchRequest[] = [];
  readonly #random: Random;
  #pending: Landing[] = [];
  #events = 0;
  #instance = "instance-1";

  constructor(bench: FaultBench, random: Random) {
    this.bench = bench;
    this.#random = random;
  }

  run(): void {
    for (let value = 1; value < 120; value += 1) {
      this.#step(value);
      this.bench.clock.advance(this.#random() * 60);
      this.#settle();
    }
    this.bench.clock.advance(2 * DURATION + 5000);
    this.#settle();
  }

  #step(value: number): void {
    const offset = this.#below(CELLS);
    const length = 1 + this.#below(CELLS - offset);
    const choice = this.#random();
    if (choice < 0.4) this.#read(offset, length);
    else if (choice < 0.8) this.#write(offset, length, value);
    else this.#flush();
  }

  #read(offset: number, length: number): void {
    const sent = this.#await(this.bench.submit("read", offset, length));
    if (codeOf(sent) !== "ok") return;
    const bytes = sent.request.iov[0] ?? new Uint8Array(0);
    this.trace.push(`read ${offset} ${bytes.join(",")}`);
    bytes.forEach((byte, index) => {
      const haunted = this.#pending.some(({ offset: at, length: count, value }) => {
        return value === byte && offset + index >= at && offset + index < at + count;
      });
      const possible = haunted || this.cells[offset + index]!.current.has(byte);
      if (!possible) throw new Error(`byte ${offset + index} is ${byte}; trace:\n${this.trace.join("\n")}`);
    });
  }

  #write(offset: number, length: number, value: number): void {
    const fua = this.#random() < 0.2;
    const sent = this.#await(this.bench.write(offset, length, value, fua ? RequestFlag.FUA : 0));
    this.trace.push(`write ${offset}+${length} of ${value}${fua ? " FUA" : ""}: ${codeOf(sent)}`);
    const range = this.cells.slice(offset, offset + length);
    if (codeOf(sent) === "pending") this.#pending.push({ sent, offset, length, value });
    for (const cell of range) {
      if (codeOf(sent) === "ok") {
        cell.current = new Set([value]);
        if (fua) cell.afterCrash = new Set();
      }
      cell.mayHold(value);
    }
  }

  #flush(): void {
    const before = this.cells.map((cell) => new Set(cell.current));
    const sent = this.#await(this.bench.submit("flush"));
    this.trace.push(`flush: ${codeOf(sent)}`);
    if (codeOf(sent) !== "ok") return;
    this.cells.forEach((cell, index) => {
      cell.afterCrash = before[index]!;
      for (const value of cell.current) cell.afterCrash.add(value);
    });
  }

  /** Gives a request 100 ms. */
  #await(sent: BenchRequest): BenchRequest {
    this.all.push(sent);
    for (let waited = 0; waited < 100 && codeOf(sent) === "pending"; waited += 5) {
      this.bench.clock.advance(5);
      this.#settle();
    }
    return sent;
  }

  /** Takes in what happened meanwhile: late landings and crashes. */
  #settle(): void {
    const crashed = this.bench.disk.instance !== this.#instance;
    this.#instance = this.bench.disk.instance;
    for (const { offset, length, value } of this.#pending) {
      for (const cell of this.cells.slice(offset, offset + length)) cell.mayHold(value);
    }
    this.#pending = this.#pending.filter(({ sent }) => codeOf(sent) === "pending");
    if (crashed) {
      this.trace.push("crash");
      for (const cell of this.cells) cell.current = new Set([...cell.current, ...cell.afterCrash]);
    }
    for (const event of this.bench.events.slice(this.#events)) this.trace.push(event.type);
    this.#events = this.bench.events.length;
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }
}

async function runSeed(seed: number): Promise<Client> {
  const random = createRandom(seed);
  const bench = await createFaultBench({
    ...createFaultPlan(random, { duration: DURATION }),
    latency: random() < 0.5 ? [0, 20] : 0,
    volatileCache: random() < 0.8,
    random,
  });
  const client = new Client(bench, random);
  client.run();
  return client;
}

/** Connection events must take turns. */
function alternate(events: readonly DriverEvent[]): boolean {
  const turns = events.filter(({ type }) => type !== "refused").map(({ type }) => type);
  return turns.every((type, index) => type === (index % 2 === 0 ? "disconnected" : "connected"));
}

describe("random fault plans", () => {
  it("heal: every request completes once, reads tell nothing impossible, and the end is calm", async () => {
    for (let seed = 1; seed <= 400; seed += 1) {
      const { all, bench } = await runSeed(seed);
      const { inFlight, connected } = bench.disk;
      const end = { once: all.every(({ completions }) => completions === 1), inFlight, connected };
      const calm = codeOf(bench.submit("flush"));
      const found = { seed, ...end, alternate: alternate(bench.events), failed: calm !== "ok" && calm !== "pending" };
      expect(found).toEqual({ seed, once: true, inFlight: 0, connected: true, alternate: true, failed: false });
    }
  });

  it("give the same run for the same seed", async () => {
    for (const seed of [3, 1415, 926]) expect((await runSeed(seed)).trace).toEqual((await runSeed(seed)).trace);
  });

  it("hold only what was asked for", () => {
    const { rules, script } = createFaultPlan(createRandom(1), { kinds: ["latency"], episodes: 10 });
    expect(rules.every(({ effect }) => effect.type === "latency")).toBe(true);
    expect(script.map(({ action }) => action.type)).toEqual(["thaw", "release", "connect"]);
  });
});
