/** Writes to the page cache without ever waiting for the storage. */
export interface CachedWriter {
  /**
   * Writes `parts` from byte `offset` on if nothing has to be waited for.
   * @returns bytes written (fewer than there are if it would have had to wait in between), {@link WOULD_WAIT}, or
   * {@link ALWAYS_WAITS} if this file or this kernel cannot do it and need not be asked again.
   */
  write(fd: number, parts: readonly Uint8Array[], offset: number): number;
}

/** For a page, a lock, room for dirty pages, the journal. */
export const WOULD_WAIT = -1;
/** It will never work on this file. */
export const ALWAYS_WAITS = -2;
