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
  /** Which part of the storage the request works in; null for a flush. */
  readonly slot: number | null;
  done: Promise<void>;
}

/** A stream of random requests. The storage is cut into as many slots as may be in flight, so that none overlap. */
class Workload {
  readonly #probe: DriverProbe;
  readonly #depth: number;
  readonly #operations: readonly BlockOperation[];
  readonly #running = new Set<Running>();
  readonly #freeSlots: number[];
  #failure: string | null = null;
  #model: ByteModel = new ByteModel(new Uint8Array(0));

  constructor(probe: DriverProbe, depth: number) {
    const { discard, writeZeroes, blockStatus } = probe.capabilities;
    this.#probe = probe;
    this.#depth = depth;
    this.#freeSlots = Array.from({ length: depth }, (_, slot) => slot);
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
    while (this.#running.size >= this.#depth) await [...this.#running][0]?.done;
    const slot = operation === "flush" ? null : this.#takeSlot();
    const { offset, length } = slot === null ? { offset: 0, length: 0 } : this.#rangeIn(slot);
    const payload = operation === "write" ? probe.bytes(length) : new Uint8Array(0);
    const fields = { operation, offset, length, flags: this.#flags(operation) };
    const sent =
      operation === "read" || operation === "write"
        ? probe.submit({
            ...fields,
            iov: this.#parts(operation === "write" ? payload.slice() : new Uint8Array(length)),
          })
        : probe.submit(fields);
    const running: Running = { sent, payload, slot, done: Promise.resolve() };
    this.#running.add(running);
    running.done = this.#finish(running);
  }

  #takeSlot(): number {
    const [slot] = this.#freeSlots.splice(this.#probe.below(this.#freeSlots.length), 1);
    return slot ?? fail("no slot is free");
  }

  /** A random range within a slot, up to 64 KiB. */
  #rangeIn(slot: number): { offset: number; length: number } {
    const { span, longestTransfer } = this.#probe;
    const unit = this.#probe.capabilities.requestAlignment;
    const slotUnits = Math.floor(span / this.#depth / unit);
    const longest = Math.min(longestTransfer, 65536) / unit;
    const length = 1 + this.#probe.below(Math.min(longest, slotUnits));
    const at = slot * slotUnits + this.#probe.below(slotUnits - length + 1);
    return { offset: at * unit, length: length * unit };
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
      if (running.slot !== null) this.#freeSlots.push(running.slot);
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
