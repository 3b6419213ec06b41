import type { BlockDriver, DriverEvent, OpenContext } from "../lib/block-driver.ts";
import type { BlockError } from "../lib/block-error.ts";
import { RequestFlag, type BlockExtent, type BlockRequest } from "../lib/block-request.ts";
import type { DriverCapabilities } from "../lib/capabilities.ts";
import { createSystemClock, type Clock, type Timer } from "../lib/clock.ts";
import { createRandom, type Random } from "../lib/random.ts";
import { assertSucceeded, fail } from "./assertions.ts";
import type { SubjectFacts } from "./conformance-check.ts";
import type { ConformanceSetup, ConformanceSubject } from "./conformance-setup.ts";
import { SentRequest } from "./sent-request.ts";

/** How long the probe waits at the end of a check for completions and events that must not come, ms. */
const SETTLE = 5;

/**
 * A driver under test. Whatever is submitted through it is watched: exactly one completion, fields and payload left alone,
 * no byte written beside the buffers, no event outside of the driver's life. Offences are collected in `problems`.
 */
export class DriverProbe {
  readonly setup: ConformanceSetup;
  readonly clock: Clock = createSystemClock();
  readonly seed: number;
  /** The checks' own chance; the driver has another. */
  readonly random: Random;
  readonly events: DriverEvent[] = [];
  readonly problems: string[] = [];
  driver: BlockDriver;
  readonly #subject: ConformanceSubject;
  readonly #sent: SentRequest[] = [];
  #life: "new" | "open" | "closed" = "new";

  constructor(setup: ConformanceSetup, subject: ConformanceSubject) {
    this.setup = setup;
    this.seed = setup.seed ?? 1;
    this.random = createRandom(this.seed);
    this.driver = subject.driver;
    this.#subject = subject;
  }

  get capabilities(): DriverCapabilities {
    return this.driver.capabilities;
  }

  get facts(): SubjectFacts {
    const { capabilities } = this;
    const span = Math.min(capabilities.size, this.setup.span ?? 1024 * 1024);
    return {
      capabilities,
      canReopen: this.#subject.reopen !== undefined,
      knowsContent: this.setup.expected !== undefined,
      span: span - (span % capabilities.requestAlignment),
    };
  }

  /** Bytes from 0 on that the check may use. */
  get span(): number {
    return this.facts.span;
  }

  /** The least that checks read or write when the exact length does not matter, bytes. */
  get block(): number {
    return Math.max(512, this.capabilities.requestAlignment);
  }

  /** Opens the driver, with parts of the context replaced. */
  async open(context: Partial<OpenContext> = {}): Promise<DriverCapabilities> {
    const capabilities = await this.within(
      this.driver.open({
        clock: this.clock,
        random: createRandom(this.seed),
        onEvent: (event) => this.#onEvent(event),
        held: false,
        ...this.setup.context,
        ...context,
      }),
      "open",
    );
    this.#life = "open";
    return capabilities;
  }

  /** Closes the driver. */
  async close(): Promise<void> {
    this.#life = "closed";
    await this.within(this.driver.close(), "close");
  }

  /** Closes the driver and opens another one on the same storage. */
  async reopen(): Promise<void> {
    await this.close();
    this.driver = (await this.#subject.reopen?.()) ?? fail("the subject cannot be opened again");
    this.#life = "new";
    await this.open();
  }

  /** Submits one request; the buffers of reads and writes are the probe's own unless `iov` is given. */
  submit(fields: Partial<BlockRequest> & Pick<BlockRequest, "operation">, payload?: Uint8Array): SentRequest {
    const sent = new SentRequest(fields, payload, (problem) => this.problems.push(problem));
    this.#sent.push(sent);
    try {
      this.driver.submit(sent.request);
    } catch (thrown) {
      fail(`${sent.name}: submit threw ${String(thrown)}`);
    }
    return sent;
  }

  /** As `submit`; resolves with the error of the completion, or null. */
  async send(
    fields: Partial<BlockRequest> & Pick<BlockRequest, "operation">,
    payload?: Uint8Array,
  ): Promise<BlockError | null> {
    return await this.completion(this.submit(fields, payload));
  }

  /** The completion of a request, which must come in time. */
  completion(sent: SentRequest): Promise<BlockError | null> {
    return this.within(sent.completed, sent.name);
  }

  /** Reads a range of any length, in parts of iov of the lengths that `parts` gives. */
  async read(offset: number, length: number): Promise<Uint8Array> {
    const result = new Uint8Array(length);
    const longest = this.longestTransfer;
    for (let at = 0; at < length; at += longest) {
      const sent = this.submit({ operation: "read", offset: offset + at, length: Math.min(longest, length - at) });
      assertSucceeded(await this.completion(sent), sent.name);
      result.set(sent.data(), at);
    }
    return result;
  }

  /** Writes a range of any length; it must succeed. */
  async write(offset: number, data: Uint8Array, flags = 0): Promise<void> {
    const longest = this.longestTransfer;
    for (let at = 0; at < data.length; at += longest) {
      const piece = data.subarray(at, at + longest);
      const fields = { operation: "write", offset: offset + at, length: piece.length, flags } as const;
      const sent = this.submit(fields, piece);
      assertSucceeded(await this.completion(sent), sent.name);
    }
  }

  /** Sends a request without data, which must succeed. */
  async perform(operation: "flush" | "discard" | "write-zeroes", offset = 0, length = 0, flags = 0): Promise<void> {
    const sent = this.submit({ operation, offset, length, flags });
    assertSucceeded(await this.completion(sent), sent.name);
  }

  /** The extents of one block-status request, which must succeed. */
  async status(offset: number, length: number, reqOne = false): Promise<BlockExtent[]> {
    const flags = reqOne ? RequestFlag.REQ_ONE : 0;
    const sent = this.submit({ operation: "block-status", offset, length, flags });
    assertSucceeded(await this.completion(sent), sent.name);
    return sent.request.extents;
  }

  /** The longest aligned transfer, bytes. */
  get longestTransfer(): number {
    const { maxTransfer, requestAlignment } = this.capabilities;
    return maxTransfer - (maxTransfer % requestAlignment);
  }

  /** Random bytes, none of them 0, so that they differ from zeroed storage everywhere. */
  bytes(length: number): Uint8Array {
    const data = new Uint8Array(length);
    let state = Math.floor(this.random() * 0xffffffff) | 1;
    for (let i = 0; i < length; i += 1) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      data[i] = 1 + ((state >>> 8) % 255);
    }
    return data;
  }

  /** An integer from 0 to `limit - 1`. */
  below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  /** Fails if a promise does not settle in time. */
  async within<T>(promise: Promise<T>, what: string): Promise<T> {
    const limit = this.setup.timeout ?? 10_000;
    let timer: Timer | undefined;
    const expired = new Promise<never>((_resolve, reject) => {
      timer = this.clock.setTimer(limit, () => reject(new Error(`${what} took more than ${limit} ms`)));
    });
    try {
      return await Promise.race([promise, expired]);
    } finally {
      timer?.cancel();
    }
  }

  /** Waits for what must not come any more. */
  settle(ms: number = SETTLE): Promise<void> {
    return new Promise((resolve) => this.clock.setTimer(ms, resolve));
  }

  /** Closes the driver if the check did not, and fails with whatever went wrong on the way. */
  async finish(): Promise<void> {
    if (this.#life === "open") await this.close();
    await this.settle();
    for (const sent of this.#sent) {
      if (sent.completions === 0) this.problems.push(`${sent.name} was never completed`);
      sent.inspect();
    }
    if (this.problems.length > 0) fail([...new Set(this.problems)].slice(0, 10).join("\n"));
  }

  #onEvent(event: DriverEvent): void {
    this.events.push(event);
    if (this.#life === "new") this.problems.push(`the event ${event.type} was sent before open resolved`);
    if (this.#life === "closed") this.problems.push(`the event ${event.type} was sent after close was called`);
  }
}
