import type { LingeringRequest } from "@rehandle/virtio-blk";
import type { Clock, Timer } from "@rehandle/driver-sdk";

import type { SharedMapping } from "../shared-mapping.ts";
import type { SystemCalls } from "../system-calls.ts";

/** How often it is looked whether the storage let go of memory, ms. */
const INTERVAL = 200;
const SWEEPS_AT_END = 25;
/** Mappings that may wait for that; whoever has more is told that it broke the protocol. */
const MOST_RETIRED = 1024;

/** What retired mappings are asked about. */
export interface MappingUsers {
  /** Requests that were given up and still use memory. */
  lingering(): readonly LingeringRequest[];
  /** True if a queue runs: its requests may use any mapping that was there when they came. */
  isRunning(): boolean;
}

interface Retired {
  readonly mapping: SharedMapping;
  /** Descriptor of its file, until the memory is cut off. */
  fd: number | null;
  /** A queue ran when it was retired, and did not stop since: it may use this without being asked about. */
  busy: boolean;
}

/** Mappings that nobody uses any more but, perhaps, storage that has not let go of a request's buffers. */
export class RetiredMappings {
  readonly #calls: SystemCalls;
  readonly #clock: Clock;
  readonly #users: MappingUsers;
  #retired: Retired[] = [];
  #timer: Timer | null = null;
  #sweepsLeft = Infinity;

  constructor(calls: SystemCalls, clock: Clock, users: MappingUsers) {
    this.#calls = calls;
    this.#clock = clock;
    this.#users = users;
  }

  /** Bytes that they take. */
  get size(): number {
    return this.#retired.reduce((sum, { mapping }) => sum + mapping.size, 0);
  }

  get count(): number {
    return this.#retired.length;
  }

  /** True: no more should be added. */
  get isFull(): boolean {
    return this.#retired.length >= MOST_RETIRED;
  }

  /** Pages that the front end took away although they are mapped. */
  get faults(): number {
    return this.#retired.reduce((sum, { mapping }) => sum + mapping.faults, 0);
  }

  /** The mapping is unmapped as soon as nobody uses it; `fd`, its file, is closed before. Null: it was cut off already. */
  add(mapping: SharedMapping, fd: number | null): void {
    this.#retired.push({ mapping, fd, busy: true });
    this.sweep();
  }

  /** Unmaps what is not used any more. To be called after queues stopped. */
  sweep(): void {
    if (this.#retired.length === 0) return;
    const isRunning = this.#users.isRunning();
    const lingering = this.#users.lingering();
    this.#retired = this.#retired.filter((retired) => {
      retired.busy &&= isRunning;
      return retired.busy || this.#stays(retired, lingering);
    });
    this.#watch();
  }

  /**
   * The end is near: what the storage has not let go of after five more seconds stays mapped until the process ends, so that
   * no timer keeps that from ending.
   */
  close(): void {
    this.#sweepsLeft = SWEEPS_AT_END;
    this.sweep();
  }

  /** False, and it is unmapped, if the storage let go of it; otherwise it is cut off from the guest. */
  #stays(retired: Retired, lingering: readonly LingeringRequest[]): boolean {
    const touching = lingering.filter(({ iov }) => iov.some((part) => retired.mapping.holds(part)));
    if (touching.length === 0) {
      this.#unmap(retired);
      return false;
    }
    const kept = touching.filter(({ writesMemory }) => !writesMemory).flatMap(({ iov }) => iov);
    this.#cutOff(
      retired,
      kept.filter((part) => retired.mapping.holds(part)),
    );
    return true;
  }

  #cutOff(retired: Retired, kept: readonly Uint8Array[]): void {
    if (retired.fd === null) return;
    retired.mapping.makePrivate(retired.fd, kept);
    this.#calls.close(retired.fd);
    retired.fd = null;
  }

  #unmap({ mapping, fd }: Retired): void {
    mapping.unmap();
    if (fd !== null) this.#calls.close(fd);
  }

  /** A timer rather than a call of the storage, which has none for this. */
  #watch(): void {
    if (this.#retired.length === 0 || this.#timer !== null || this.#sweepsLeft === 0) return;
    this.#sweepsLeft -= 1;
    this.#timer = this.#clock.setTimer(INTERVAL, () => {
      this.#timer = null;
      this.sweep();
    });
  }
}
