/** A run of guest memory. */
export interface MemoryRegion {
  /** Guest physical address of its first byte; a safe integer ≥ 0. */
  readonly guestAddress: number;
  /** Bytes, > 0. */
  readonly size: number;
  /** Its bytes, one window after the other; all but the last have the same size, a power of two. */
  readonly windows: readonly ArrayBufferLike[];
}

/** Hears of every range of guest memory that the device wrote, after it wrote it: a dirty log for live migration. */
export type DirtyListener = (guestAddress: number, length: number) => void;
