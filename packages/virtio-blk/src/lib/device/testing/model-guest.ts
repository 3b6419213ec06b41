import { createRandom, type Random } from "@rehandle/driver-sdk";

import { VirtioBlkRequestType as Type } from "../request-type.ts";
import { records, type TestDisk } from "./test-disk.ts";
import type { GuestAsk, GuestRequest } from "./test-guest.ts";

/** Sectors of the disk that the guest uses. */
export const SECTORS = 48;
/** Most sectors of a request. */
const LONGEST = 6;

interface Outstanding {
  readonly request: GuestRequest;
  readonly from: number;
  readonly to: number;
  /** What the sectors are after it; null: it only reads. */
  readonly value: number | null;
}

/**
 * A guest that knows for each sector which values it may hold, and that sees to it that no two of its requests overlap if one
 * of them writes. Once a value was seen, it has to stay until the next write, whatever was given up before.
 */
export class ModelGuest {
  readonly #disk: TestDisk;
  readonly #random: Random;
  readonly #possible: Set<number>[] = Array.from({ length: SECTORS }, () => new Set([0]));
  readonly #outstanding: Set<Outstanding> = new Set();
  #nextValue = 1;
  completed = 0;

  constructor(disk: TestDisk, seed: number) {
    this.#disk = disk;
    this.#random = createRandom(seed);
  }

  /** Adds a random request, if it can. */
  ask(): void {
    const from = this.#below(SECTORS);
    const to = Math.min(SECTORS, from + 1 + this.#below(LONGEST));
    const kind = this.#below(10);
    const writes = kind < 6;
    for (const other of this.#outstanding) {
      if (other.from < to && from < other.to && (writes || other.value !== null)) return;
    }
    this.#nextValue = (this.#nextValue % 190) + 1;
    if (kind < 4) this.#add(from, to, this.#nextValue, this.#write(from, to, this.#nextValue));
    else if (kind < 5) this.#add(from, to, 0, this.#ranges(Type.WRITE_ZEROES, from, to));
    else if (kind < 6) this.#add(from, to, 0, this.#ranges(Type.DISCARD, from, to));
    else if (kind < 9) this.#add(from, to, null, this.#read(from, to));
    else this.#add(0, 0, null, { type: Type.FLUSH });
  }

  kick(): void {
    this.#disk.guest.kick(this.#disk.device);
  }

  /** Takes what came back, and compares. */
  collect(): void {
    const back = new Set(this.#disk.guest.collect());
    for (const item of this.#outstanding) {
      if (!back.has(item.request)) continue;
      this.#outstanding.delete(item);
      this.completed += 1;
      this.#compare(item);
    }
  }

  /** All that is outstanding was given up: it happened or not. */
  forget(): void {
    for (const item of this.#outstanding) this.#mayHold(item);
    this.#outstanding.clear();
    this.#disk.guest.restart();
  }

  #compare(item: Outstanding): void {
    const { request, from, to, value } = item;
    if (request.status === 1) {
      this.#mayHold(item);
      return;
    }
    if (request.status !== 0) throw new Error(`status ${request.status}`);
    for (let sector = from; sector < to; sector += 1) {
      if (value === null) this.#see(sector, request.data.subarray((sector - from) * 512, (sector - from + 1) * 512));
      else this.#possible[sector] = new Set([value]);
    }
    const expected = value === null && to > from ? request.data.length + 1 : 1;
    if (request.written !== expected) throw new Error(`used length ${request.written}, not ${expected}`);
  }

  #see(sector: number, data: Uint8Array): void {
    const value = data[0] ?? -1;
    const possible = this.#possible[sector]!;
    if (!possible.has(value) || data.some((byte) => byte !== value)) {
      throw new Error(`sector ${sector} is ${value}, and may be ${[...possible].join(", ")}`);
    }
    this.#possible[sector] = new Set([value]);
  }

  #mayHold({ from, to, value }: Outstanding): void {
    if (value === null) return;
    for (let sector = from; sector < to; sector += 1) this.#possible[sector]!.add(value);
  }

  #add(from: number, to: number, value: number | null, ask: GuestAsk): void {
    const request = this.#disk.guest.add(ask);
    if (request !== null) this.#outstanding.add({ request, from, to, value });
  }

  #write(from: number, to: number, value: number): GuestAsk {
    const length = (to - from) * 512;
    const out = new Uint8Array(length).fill(value);
    return { type: Type.OUT, sector: from, out, readable: this.#cut(16 + length), ...this.#direct() };
  }

  #read(from: number, to: number): GuestAsk {
    const inLength = (to - from) * 512;
    return { type: Type.IN, sector: from, inLength, writable: this.#cut(inLength + 1), ...this.#direct() };
  }

  #ranges(type: number, from: number, to: number): GuestAsk {
    const middle = from + this.#below(to - from + 1);
    const out = records([from, middle - from], [middle, to - middle]);
    return { type, out, readable: this.#cut(16 + out.length), ...this.#direct() };
  }

  /** Any framing: pieces of any length. */
  #cut(length: number): number[] {
    const pieces: number[] = [];
    let left = length;
    while (left > 0 && pieces.length < 6) {
      const piece = this.#below(3) === 0 ? Math.min(left, 1 + this.#below(17)) : 1 + this.#below(left);
      pieces.push(piece);
      left -= piece;
    }
    if (left > 0) pieces.push(left);
    return pieces;
  }

  #direct(): { direct?: number } {
    const { indirect } = this.#disk.guest.queue.features;
    return indirect === true && this.#below(2) === 0 ? { direct: 0 } : {};
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }
}
