import { changesData, type BlockError, type BlockRequest } from "@rehandle/driver-sdk";

/** A change that a client asked for, in the order of asking. */
interface Change {
  readonly seq: number;
  readonly offset: number;
  readonly length: number;
  /** Null: zeroes. */
  readonly payload: Uint8Array | null;
  /** `failed`: it may have been done, or a part of it. `never`: nothing of it may be seen. */
  state: "pending" | "done" | "failed" | "never";
  /** When its completion came: count of completions so far. */
  doneAt: number;
}

/** Knows what a disk must look like that does what it acknowledged, and compares. */
export class Checker {
  readonly violations: string[] = [];
  readonly #changes: Change[] = [];
  #completions = 0;

  /** A request is about to be submitted. */
  onSubmit(seq: number, request: BlockRequest): void {
    if (!changesData(request.operation)) return;
    const { offset, length } = request;
    const payload = request.operation === "write" ? request.iov[0]!.slice() : null;
    this.#changes.push({ seq, offset, length, payload, state: "pending", doneAt: Infinity });
  }

  /** How many completions there were: a flush covers what was completed before it was submitted. */
  get completions(): number {
    return this.#completions;
  }

  onComplete(seq: number, request: BlockRequest, error: BlockError | null): void {
    this.#completions += 1;
    const change = changesData(request.operation) ? this.#changes.find((other) => other.seq === seq) : undefined;
    if (change !== undefined) {
      change.state = error === null ? "done" : "failed";
      change.doneAt = this.#completions;
    } else if (request.operation === "read" && error === null) {
      this.#checkCells(`read ${seq}`, request.iov[0]!, request.offset, seq);
    }
  }

  /** A request was completed from within the call that cancelled it. */
  onCancel(seq: number): void {
    const change = this.#changes.find((other) => other.seq === seq);
    if (change !== undefined) change.state = "never";
  }

  /** A flush that was submitted after `completions` completions succeeded: this is on stable storage. */
  checkStable(seq: number, stable: Uint8Array, completions: number): void {
    for (let cell = 0; cell < stable.length; cell += 1) {
      const allowed = this.#allowed(
        cell,
        Infinity,
        (change) => change.state === "done" && change.doneAt <= completions,
      );
      if (!allowed.has(stable[cell]!)) {
        this.violations.push(
          `flush ${seq}: cell ${cell} is stable as ${stable[cell]}, not ${[...allowed].join(" or ")}`,
        );
        return;
      }
    }
  }

  /** The whole disk, when all is over. */
  checkAll(what: string, disk: Uint8Array): void {
    this.#checkCells(what, disk, 0, Infinity);
  }

  #checkCells(what: string, data: Uint8Array, offset: number, seq: number): void {
    for (let at = 0; at < data.length; at += 1) {
      const allowed = this.#allowed(offset + at, seq, (change) => change.state === "done");
      if (allowed.has(data[at]!)) continue;
      this.violations.push(`${what}: cell ${offset + at} is ${data[at]}, not ${[...allowed].join(" or ")}`);
      return;
    }
  }

  /** What a cell may hold for somebody who came at `seq`: the newest change that counts as final, or any uncertain one since. */
  #allowed(cell: number, seq: number, isFinal: (change: Change) => boolean): Set<number> {
    const allowed = new Set<number>();
    for (let at = this.#changes.length - 1; at >= 0; at -= 1) {
      const change = this.#changes[at]!;
      if (change.state === "never" || change.seq > seq || cell < change.offset || cell >= change.offset + change.length)
        continue;
      allowed.add(change.payload === null ? 0 : change.payload[cell - change.offset]!);
      if (isFinal(change)) return allowed;
    }
    allowed.add(0);
    return allowed;
  }
}
