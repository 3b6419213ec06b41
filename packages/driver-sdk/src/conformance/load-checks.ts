import { RequestFlag, type BlockOperation } from "../lib/block-request.ts";
import { assertSucceeded, fail } from "./assertions.ts";
import { ByteModel } from "./byte-model.ts";
import { firstReason, unlessBlocks, unlessWritable, type ConformanceCheck } from "./conformance-check.ts";
import type { DriverProbe } from "./driver-probe.ts";
import type { SentRequest } from "./sent-request.ts";

const writable = firstReason(unlessWritable, unlessBlocks(64));

/** Random work against a model. The seed is in the suite's name and in every failure. */
export const loadChecks: readonly ConformanceCheck[] = [
  {
    name: "random requests, one at a time, agree with a model",
    skipReason: writable,
    run: (probe) => new Workload(probe, 1).run(),
  },
  {
    name: "random requests, 64 in flight at disjoint ranges, agree with a model",
    skipReason: writable,
    run: (probe) => new Workload(probe, 64).run(),
  },
];

interface Running {
  readonly sent: SentRequest;
  readonly payload: Uint8Array;
  done: Promise<void>;
}

/** A stream of random requests of which no two in flight overlap. */
class Workload {
  readonly #probe: DriverProbe;
  readonly #depth: number;
  readonly #operations: readonly BlockOperation[];
  readonly #running = new Set<Running>();
  #failure: string | null = null;
  #model: ByteModel = new ByteModel(new Uint8Array(0));

  constructor(probe: DriverProbe, depth: number) {
    const { discard, writeZeroes, blockStatus } = probe.capabilities;
    this.#probe = probe;
    this.#depth = depth;
    const optional: BlockOperation[] = [];
    if (discard) optional.push("discard");
    if (writeZeroes) optional.push("write-zeroes");
    if (blockStatus) optional.push("block-status");
    this.#operations = ["read", "read", "read", "write", "write", "write", "flush", ...optional];
  }

  async run(): Promise<void> {
    const probe = this.#probe;
    this.#model = new ByteModel(await probe.read(0, probe.span));
    const count = probe.setup.operations ?? 400;
    for (let n = 0; n < count && this.#failure === null; n += 1) await this.#submitOne();
    await Promise.all([...this.#running].map((running) => running.done));
    if (this.#failure !== null) fail(`seed ${probe.seed}: ${this.#failure}`);
    this.#model.compare(0, await probe.read(0, probe.span), `seed ${probe.seed}: the storage at the end`);
  }

  async #submitOne(): Promise<void> {
    const probe = this.#probe;
    const operation = this.#operations[probe.below(this.#operations.length)] ?? "read";
    const { offset, length } = operation === "flush" ? { offset: 0, length: 0 } : this.#range();
    const flags = this.#flags(operation);
    await this.#untilFree(offset, length);
    const payload = operation === "write" ? probe.bytes(length) : new Uint8Array(0);
    const fields = { operation, offset, length, flags };
    const sent =
      operation === "read" || operation === "write"
        ? probe.submit({
            ...fields,
            iov: this.#parts(operation === "write" ? payload.slice() : new Uint8Array(length)),
          })
        : probe.submit(fields);
    const running: Running = { sent, payload, done: Promise.resolve() };
    this.#running.add(running);
    running.done = this.#finish(running);
  }

  #range(): { offset: number; length: number } {
    const { span, longestTransfer } = this.#probe;
    const unit = this.#probe.capabilities.requestAlignment;
    const longest = Math.min(longestTransfer, Math.max(unit, span >> 4), 65536 - (65536 % unit));
    const length = unit * (1 + this.#probe.below(longest / unit));
    return { offset: unit * this.#probe.below((span - length) / unit + 1), length };
  }

  #flags(operation: BlockOperation): number {
    const { capabilities } = this.#probe;
    const some = (flag: number): number => (this.#probe.below(3) === 0 ? flag : 0);
    if (operation === "block-status") return some(RequestFlag.REQ_ONE);
    if (operation === "read" || operation === "flush") return 0;
    const fua = capabilities.fua ? some(RequestFlag.FUA) : 0;
    if (operation !== "write-zeroes") return fua;
    return fua | some(RequestFlag.MAY_UNMAP) | (capabilities.fastZero ? some(RequestFlag.NO_FALLBACK) : 0);
  }

  /** The bytes cut into up to four parts. */
  #parts(bytes: Uint8Array): Uint8Array[] {
    const cuts = Array.from({ length: this.#probe.below(4) }, () => this.#probe.below(bytes.length + 1));
    const edges = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
    return edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge));
  }

  /** Waits until there is room, and nothing in flight overlaps the range. */
  async #untilFree(offset: number, length: number): Promise<void> {
    for (;;) {
      const all = [...this.#running];
      const blocking = all.find(({ sent: { request } }) => {
        return request.offset < offset + length && offset < request.offset + request.length;
      });
      const waitFor = blocking ?? (all.length >= this.#depth ? all[0] : undefined);
      if (waitFor === undefined) return;
      await waitFor.done;
    }
  }

  async #finish(running: Running): Promise<void> {
    try {
      const error = await this.#probe.completion(running.sent);
      const { operation, flags } = running.sent.request;
      const refusedFastZero = error?.code === "ENOTSUP" && (flags & RequestFlag.NO_FALLBACK) !== 0;
      if (!refusedFastZero) {
        assertSucceeded(error, running.sent.name);
        this.#account(running, operation);
      }
    } catch (thrown) {
      this.#failure ??= String(thrown);
    } finally {
      this.#running.delete(running);
    }
  }

  #account({ sent, payload }: Running, operation: BlockOperation): void {
    const { offset, length, extents } = sent.request;
    if (operation === "read") this.#model.compare(offset, sent.data(), sent.name);
    else if (operation === "write") this.#model.write(offset, payload);
    else if (operation === "discard") this.#model.forget(offset, length);
    else if (operation === "write-zeroes") this.#model.zero(offset, length);
    else if (operation === "block-status") {
      let at = offset;
      for (const extent of extents) {
        const end = Math.min(at + extent.length, offset + length);
        if (extent.zero) this.#model.requireZero(at, end - at, `${sent.name}: an extent that is zero`);
        at = end;
      }
    }
  }
}
