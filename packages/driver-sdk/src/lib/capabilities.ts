/**
 * What a driver's storage can do, as data. Users, tests and the engine read the same flags; nothing is found out by trying.
 * Make one with {@link defineCapabilities}, which fills in the defaults.
 */
export interface DriverCapabilities {
  /** Bytes; a safe integer ≥ 0. It changes only together with a `resized` event. */
  readonly size: number;
  /** Writes, discards and write-zeroes fail with `EROFS`. */
  readonly readOnly: boolean;
  /** Offsets and lengths must be multiples of it: a power of two, 1 … 65536 bytes. Default 1. */
  readonly requestAlignment: number;
  /** The size and alignment that is fastest: a power of two ≥ requestAlignment, bytes. Default 4096. */
  readonly preferredBlockSize: number;
  /** The longest read or write, bytes. Default 32 MiB, as in NBD. */
  readonly maxTransfer: number;
  /** The storage may lose completed writes until a flush, and `flush` works. Without it a flush is answered at once. */
  readonly flush: boolean;
  /** `RequestFlag.FUA` is honoured. */
  readonly fua: boolean;
  /** `discard` works. What a discarded range reads as is not defined. */
  readonly discard: boolean;
  /** `write-zeroes` works. */
  readonly writeZeroes: boolean;
  /** `write-zeroes` is (mostly) faster than writing, and `RequestFlag.NO_FALLBACK` is honoured. */
  readonly fastZero: boolean;
  /** `block-status` works. */
  readonly blockStatus: boolean;
  /** `BlockDriver.resize` works. */
  readonly resize: boolean;
  /** The driver moves data straight from and to the parts of `iov`, without a copy of its own. */
  readonly zeroCopy: boolean;
  /** `BlockDriver.abandon` can take the buffers of a request in flight back (for at least some requests). */
  readonly abandon: boolean;
  /**
   * The driver can tell a lost connection from an error that the storage answered: it uses the class `transport` for the
   * first only, and sends `disconnected` and `connected` events.
   */
  readonly reportsConnection: boolean;
  /**
   * What is known of the instance behind the driver, for the question whether completed but unflushed writes may be gone:
   * `fixed`: it cannot restart while this driver is open (a local file: the kernel's page cache lives on);
   * `reported`: `connected` events carry an instance id that changes when it restarted (the first event after `open` has
   * nothing to be compared with, and counts as a restart);
   * `unknown`: every new connection, or every recovery if connections are not reported, may be a new instance.
   */
  readonly instance: "fixed" | "reported" | "unknown";
  /** Several connections see each other's completed writes and a flush on one covers all (NBD_FLAG_CAN_MULTI_CONN). */
  readonly multiConn: boolean;
  /** Spinning storage (NBD_FLAG_ROTATIONAL). */
  readonly rotational: boolean;
}

/** Capabilities with nothing declared but the size: the least that a driver can be. */
const LEAST: Omit<DriverCapabilities, "size"> = {
  readOnly: false,
  requestAlignment: 1,
  preferredBlockSize: 4096,
  maxTransfer: 32 * 1024 * 1024,
  flush: false,
  fua: false,
  discard: false,
  writeZeroes: false,
  fastZero: false,
  blockStatus: false,
  resize: false,
  zeroCopy: false,
  abandon: false,
  reportsConnection: false,
  instance: "fixed",
  multiConn: false,
  rotational: false,
};

/**
 * Fills in the defaults: whatever is not named is not declared.
 * @throws RangeError if a number is out of the range that {@link DriverCapabilities} gives.
 */
export function defineCapabilities(
  declared: Partial<DriverCapabilities> & Pick<DriverCapabilities, "size">,
): DriverCapabilities {
  const result = { ...LEAST, ...declared };
  const { size, requestAlignment, preferredBlockSize, maxTransfer } = result;
  if (!Number.isSafeInteger(size) || size < 0) throw new RangeError(`size must be a safe integer >= 0, not ${size}`);
  requirePowerOfTwo("requestAlignment", requestAlignment, 1, 65536);
  requirePowerOfTwo("preferredBlockSize", preferredBlockSize, requestAlignment, 0x80000000);
  if (!Number.isSafeInteger(maxTransfer) || maxTransfer < requestAlignment) {
    throw new RangeError(`maxTransfer must be a safe integer >= requestAlignment, not ${maxTransfer}`);
  }
  return Object.freeze(result);
}

function requirePowerOfTwo(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(Math.log2(value)) && value >= least && value <= most) return;
  throw new RangeError(`${name} must be a power of two from ${least} to ${most}, not ${value}`);
}
