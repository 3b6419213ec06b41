/**
 * What was wrong.
 *
 * | code | meaning |
 * |---|---|
 * | `memory-region` | a region of guest memory that is malformed or overlaps another |
 * | `queue-size` | not a size that the ring form allows |
 * | `queue-area` | an area of a queue is misaligned or not in guest memory |
 * | `queue-position` | a position that the ring does not have |
 * | `inflight` | an inflight region that is too small, misaligned, or does not fit the queue |
 * | `invalid` | a call that makes no sense at this time |
 */
export type VirtioErrorCode =
  | "memory-region"
  | "queue-size"
  | "queue-area"
  | "queue-position"
  | "inflight"
  | "invalid"
  | (string & {});

/** Something that whoever owns the device asked for cannot be done. What a driver does wrong is never thrown. */
export class VirtioError extends Error {
  override readonly name = "VirtioError";
  readonly code: VirtioErrorCode;

  constructor(code: VirtioErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
