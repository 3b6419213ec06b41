import type { QueuePosition } from "@rehandle/virtio-blk";

import type { VringAddress } from "../messages.ts";
import type { SystemCalls, Watcher } from "../system-calls.ts";
import { protocolError } from "../vhost-user-error.ts";

/** Turns in a row in which a kick descriptor was readable but held no kick, after which it is taken for broken. */
const MOST_EMPTY_KICKS = 64;

/** The descriptors that a front end gives for each ring. */
export type VringDescriptor = "kick" | "call" | "err";

/** Who hears of a ring. */
export interface VringListener {
  onKick(index: number): void;
  /** The kick descriptor cannot be used. */
  onBroken(error: unknown): void;
}

/** What a front end told of one ring. */
export class Vring {
  readonly index: number;
  /** Entries; 0: not known yet. */
  size = 0;
  address: VringAddress | null = null;
  /** Where to begin, as SET_VRING_BASE has it; see {@link decodeBase}. Null: at the start. */
  base: number | null = null;
  enabled = false;
  readonly #calls: SystemCalls;
  readonly #listener: VringListener;
  readonly #fds: Record<VringDescriptor, number | null> = { kick: null, call: null, err: null };
  #watcher: Watcher | null = null;
  #emptyKicks = 0;

  constructor(calls: SystemCalls, index: number, listener: VringListener) {
    this.#calls = calls;
    this.index = index;
    this.#listener = listener;
  }

  /** True if all is there that a ring needs to start. */
  get isReady(): boolean {
    return this.enabled && this.size > 0 && this.address !== null && this.#fds.kick !== null;
  }

  /** Takes over a descriptor; null: there is none any more. The one before is closed. */
  setFd(which: VringDescriptor, fd: number | null): void {
    if (which === "kick") this.#watcher?.close();
    const before = this.#fds[which];
    if (before !== null) this.#calls.close(before);
    this.#fds[which] = fd;
    if (fd === null) return;
    this.#calls.setNonBlocking(fd);
    if (which === "kick") this.#watch(fd);
  }

  /** Interrupts the driver. */
  call(): void {
    if (this.#fds.call !== null) this.#calls.writeEvent(this.#fds.call);
  }

  /** Tells the front end that the ring is broken. */
  signalError(): void {
    if (this.#fds.err !== null) this.#calls.writeEvent(this.#fds.err);
  }

  /** As before the first message, but for what the front end is called by. */
  reset(): void {
    this.size = 0;
    this.address = null;
    this.base = null;
    this.enabled = false;
    this.setFd("kick", null);
  }

  close(): void {
    for (const which of ["kick", "call", "err"] as const) this.setFd(which, null);
  }

  #watch(fd: number): void {
    this.#emptyKicks = 0;
    this.#watcher = this.#calls.watch(
      fd,
      { readable: true },
      {
        onReady: () => {
          this.#emptyKicks = this.#calls.readEvent(fd) ? 0 : this.#emptyKicks + 1;
          if (this.#emptyKicks > MOST_EMPTY_KICKS) {
            throw protocolError(`the kick descriptor of queue ${this.index} is broken`);
          }
          this.#listener.onKick(this.index);
        },
        onError: (error) => this.#listener.onBroken(error),
      },
    );
  }
}

/** The position that SET_VRING_BASE and GET_VRING_BASE carry: an index, or two of 15 bits with a wrap counter each. */
export function decodeBase(base: number, packed: boolean): QueuePosition {
  if (!packed) {
    if (base > 0xffff) throw protocolError(`base ${base} of a split ring is larger than 65535`);
    return { available: base, availableWrap: 1, used: base, usedWrap: 1 };
  }
  return {
    available: base & 0x7fff,
    availableWrap: (base & 0x8000) === 0 ? 0 : 1,
    used: (base >>> 16) & 0x7fff,
    usedWrap: base >>> 31 === 0 ? 0 : 1,
  };
}

export function encodeBase(position: QueuePosition, packed: boolean): number {
  const { available, availableWrap, used, usedWrap } = position;
  if (!packed) return available;
  return (available | (availableWrap << 15) | (used << 16) | (usedWrap << 31)) >>> 0;
}
