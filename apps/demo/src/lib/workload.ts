import type { BlockClient, Clock, Random } from "@rehandle/driver-sdk";

import type { ExpectedData, Verification } from "./expected-data.ts";
import type { ProgressMeter } from "./progress-meter.ts";
import { sleep } from "./sleep.ts";

/** A worker's writes between two of its flushes. */
const WRITES_PER_FLUSH = 50;
/** What a worker does between two requests, ms: some thousand requests a second, and a machine that stays usable. */
const THINKING = { least: 2, most: 6 };
/** What a worker waits after an error, ms; it would ask as fast as it can otherwise, and be refused as fast. */
const AFTER_ERROR = 100;
/** Bytes of one read of the verification. */
const VERIFY_LENGTH = 65_536;

/** What a workload needs. */
export interface WorkloadOptions {
  readonly client: BlockClient;
  readonly data: ExpectedData;
  readonly meter: ProgressMeter;
  readonly clock: Clock;
  readonly random: Random;
  /** Requests in flight. */
  readonly queueDepth: number;
  /** Hears of every request that failed. */
  readonly onError: (error: unknown, failures: number) => void;
}

/**
 * A client that does what a busy guest does: so many requests in flight, reads and writes at random places, each block
 * stamped when written and checked when read, a flush now and then. A request that fails is counted, and not sent again.
 */
export class Workload {
  readonly #options: WorkloadOptions;
  readonly #busy: Set<number> = new Set();
  #workers: Promise<void>[] = [];
  #running = false;
  #inFlight = 0;
  #failures = 0;
  #wrongReads = 0;

  constructor(options: WorkloadOptions) {
    this.#options = options;
  }

  /** Requests that wait for an answer. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Requests that failed. */
  get failures(): number {
    return this.#failures;
  }

  /** Reads that gave other data than was written. */
  get wrongReads(): number {
    return this.#wrongReads;
  }

  start(): void {
    this.#running = true;
    this.#workers = Array.from({ length: this.#options.queueDepth }, () => this.#work());
  }

  /** Starts no more requests, and resolves when those in flight were answered. */
  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#workers);
  }

  /** Flushes, reads the whole disk and compares it. @throws BlockError (as a rejection) if it cannot be read. */
  async verify(): Promise<Verification> {
    const { client, data } = this.#options;
    await client.flush();
    const sum = { blocks: 0, right: 0, uncertain: 0 };
    const buffer = new Uint8Array(VERIFY_LENGTH);
    const size = data.blocks * data.blockSize;
    for (let offset = 0; offset < size; offset += VERIFY_LENGTH) {
      const bytes = buffer.subarray(0, Math.min(VERIFY_LENGTH, size - offset));
      await client.readInto(offset, bytes);
      const found = data.checkAll(bytes, offset / data.blockSize);
      sum.blocks += found.blocks;
      sum.right += found.right;
      sum.uncertain += found.uncertain;
    }
    return sum;
  }

  async #work(): Promise<void> {
    const { data, clock, random } = this.#options;
    const buffer = new Uint8Array(data.blockSize);
    let writes = 0;
    while (this.#running) {
      const flush = writes === WRITES_PER_FLUSH;
      const write = !flush && random() < 0.5;
      if (flush) writes = 0;
      else if (write) writes += 1;
      const succeeded = await this.#count(flush ? this.#options.client.flush() : this.#useBlock(write, buffer));
      const thinking = THINKING.least + (THINKING.most - THINKING.least) * random();
      await sleep(clock, succeeded ? thinking : AFTER_ERROR);
    }
  }

  /** True if the request succeeded. */
  async #count(request: Promise<void>): Promise<boolean> {
    const { meter, clock, onError } = this.#options;
    this.#inFlight += 1;
    try {
      await request;
      meter.success(clock.now());
      return true;
    } catch (error) {
      this.#failures += 1;
      onError(error, this.#failures);
      return false;
    } finally {
      this.#inFlight -= 1;
    }
  }

  /** One read or write of a block that no other worker uses. */
  async #useBlock(write: boolean, buffer: Uint8Array): Promise<void> {
    const { client, data } = this.#options;
    const block = this.#chooseBlock();
    this.#busy.add(block);
    try {
      if (write) {
        data.prepareWrite(block, buffer);
        await client.write(block * data.blockSize, buffer);
        data.writeSucceeded(block);
      } else {
        await client.readInto(block * data.blockSize, buffer);
        if (data.check(block, buffer) === "wrong") this.#wrongReads += 1;
      }
    } finally {
      this.#busy.delete(block);
    }
  }

  #chooseBlock(): number {
    const { data, random } = this.#options;
    let block: number;
    do block = Math.floor(random() * data.blocks);
    while (this.#busy.has(block));
    return block;
  }
}
