import type { DirtyListener } from "@rehandle/virtio-blk";

import { LOG_PAGE } from "../message-numbers.ts";
import type { LogDescription } from "../messages.ts";
import { SharedMapping } from "../shared-mapping.ts";
import type { SigbusGuard } from "../sigbus-guard.ts";
import type { SystemCalls } from "../system-calls.ts";

/** A bitmap in the front end's memory, one bit for each 4 KiB of guest memory that was written (VHOST_F_LOG_ALL). */
export class DirtyLog {
  readonly #mapping: SharedMapping;
  readonly #windows: readonly Uint8Array[];
  readonly #windowSize: number;

  /**
   * The caller keeps `fd`.
   * @throws VhostUserError `EPROTO`.
   */
  constructor(calls: SystemCalls, guard: SigbusGuard | null, description: LogDescription, fd: number) {
    const { size, offset } = description;
    this.#mapping = new SharedMapping(calls, guard, { fd, offset: Number(offset), size: Number(size) });
    this.#windows = this.#mapping.windows.map((window) => new Uint8Array(window));
    this.#windowSize = this.#windows[0]?.length ?? 0;
  }

  get faults(): number {
    return this.#mapping.faults;
  }

  /** Marks every page of a range. What the log has no bit for is left out: the front end asked for no more. */
  readonly mark: DirtyListener = (guestAddress, length) => {
    const last = Math.floor((guestAddress + length - 1) / LOG_PAGE);
    for (let page = Math.floor(guestAddress / LOG_PAGE); page <= last; page += 1) {
      const at = Math.floor(page / 8);
      if (at >= this.#mapping.size) return;
      const window = this.#windows[Math.floor(at / this.#windowSize)];
      if (window === undefined) return;
      const bit = 1 << (page % 8);
      const place = at % this.#windowSize;
      Atomics.or(window, place, bit);
    }
  };

  close(): void {
    this.#mapping.unmap();
  }
}
