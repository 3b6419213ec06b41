import { VirtioError } from "../virtio-error.ts";
import { DESC_NUM_AT, INFLIGHT_VERSION, InflightBytes, SPLIT_LAYOUT, VERSION_AT } from "./inflight-bytes.ts";

/** Offsets in QueueRegionSplit. */
const LAST_BATCH_HEAD = 12;
const USED_INDEX = 14;
/** Offsets in DescStateSplit. */
const INFLIGHT = 0;
const NEXT = 6;
const COUNTER = 8;

/**
 * Notes in an inflight region which heads of a split ring were popped and not given back (vhost-user, "Inflight I/O tracking").
 * The order of stores is the specification's; what is always true between any two is that the available index which a new
 * process has to go on from is the used index of the ring plus the number of marks, after {@link recover}.
 */
export class SplitInflight {
  readonly #bytes: InflightBytes;
  readonly #size: number;
  readonly #known: boolean;
  #counter = 0;

  /** @throws VirtioError `inflight`. */
  constructor(bytes: Uint8Array, size: number) {
    this.#bytes = new InflightBytes(bytes, SPLIT_LAYOUT, size);
    this.#size = size;
    this.#known = this.#bytes.entries(SPLIT_LAYOUT, size) > 0;
  }

  /** True if a queue ran on this region before. */
  get known(): boolean {
    return this.#known;
  }

  /**
   * Settles what a process that died left, or makes a new region ready.
   *
   * @param usedIndex - `idx` of the used ring.
   * @returns The heads that are in flight, in the order in which they were popped.
   * @throws VirtioError `inflight` if the region cannot be one of this ring.
   */
  recover(usedIndex: number): number[] {
    const bytes = this.#bytes;
    if (!this.#known) {
      bytes.set16(USED_INDEX, usedIndex);
      bytes.set16(DESC_NUM_AT, this.#size);
      bytes.set16(VERSION_AT, INFLIGHT_VERSION);
      return [];
    }
    const batch = (usedIndex - bytes.get16(USED_INDEX)) & 0xffff;
    if (batch > this.#size) throw new VirtioError("inflight", "inflight region does not go with this used ring");
    let head = bytes.get16(LAST_BATCH_HEAD);
    for (let i = 0; i < batch; i++) {
      if (head >= this.#size) throw new VirtioError("inflight", `inflight region names descriptor ${head}`);
      const next = bytes.get16(state(head) + NEXT);
      bytes.set8(state(head) + INFLIGHT, 0);
      head = next;
    }
    bytes.set16(USED_INDEX, usedIndex);
    return this.#unfinished();
  }

  /** A head is about to be handed out. */
  popped(head: number): void {
    const at = state(head);
    const counter = this.#counter++;
    this.#bytes.set32(at + COUNTER, counter >>> 0);
    this.#bytes.set32(at + COUNTER + 4, Math.floor(counter / 2 ** 32));
    this.#bytes.set8(at + INFLIGHT, 1);
  }

  /** Its used entry is written and will be published next. */
  pushed(head: number): void {
    this.#bytes.set16(state(head) + NEXT, this.#bytes.get16(LAST_BATCH_HEAD));
    this.#bytes.set16(LAST_BATCH_HEAD, head);
  }

  /** The used index says that these heads are the driver's again. */
  published(heads: Uint16Array, count: number, usedIndex: number): void {
    for (let i = 0; i < count; i++) this.#bytes.set8(state(heads[i] ?? 0) + INFLIGHT, 0);
    this.#bytes.set16(USED_INDEX, usedIndex);
  }

  /** A head was made available again by the device. */
  putBack(head: number): void {
    this.#bytes.set8(state(head) + INFLIGHT, 0);
  }

  #unfinished(): number[] {
    const bytes = this.#bytes;
    const found: { head: number; counter: number }[] = [];
    for (let head = 0; head < this.#size; head++) {
      const at = state(head);
      if (bytes.get8(at + INFLIGHT) === 0) continue;
      const counter = bytes.get32(at + COUNTER) + bytes.get32(at + COUNTER + 4) * 2 ** 32;
      found.push({ head, counter });
      // A counter beyond exact numbers is nobody's: orders by then are anyone's guess.
      this.#counter = Math.max(this.#counter, Math.min(counter + 1, 2 ** 52));
    }
    return found.toSorted((a, b) => a.counter - b.counter).map((entry) => entry.head);
  }
}

function state(head: number): number {
  return SPLIT_LAYOUT.header + SPLIT_LAYOUT.state * head;
}
