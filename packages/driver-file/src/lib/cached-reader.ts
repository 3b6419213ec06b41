/** Reads from the page cache without ever waiting for the storage. */
export interface CachedReader {
  /**
   * Fills `parts` from byte `offset` on if the page cache holds all of it.
   * @returns bytes read (fewer than `length` if the file ends or a page was dropped in between), {@link NOT_CACHED}, or
   * {@link NO_CACHED_READS} if this file or this kernel cannot do it and need not be asked again.
   */
  read(fd: number, parts: readonly Uint8Array[], offset: number, length: number): number;
}

/** Not everything is in the page cache. */
export const NOT_CACHED = -1;
/** It will never work on this file. */
export const NO_CACHED_READS = -2;
