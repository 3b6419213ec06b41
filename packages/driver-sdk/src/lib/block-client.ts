import type { BlockDriver } from "./block-driver.ts";
import { BlockError } from "./block-error.ts";
import { createRequest, RequestFlag, type BlockExtent, type BlockRequest } from "./block-request.ts";

/** Options of {@link BlockClient.write} and {@link BlockClient.discard}. */
export interface WriteOptions {
  /** The data must be stable before the promise resolves. `EINVAL` if the driver does not declare `fua`. Default false. */
  fua?: boolean;
}

/** Options of {@link BlockClient.writeZeroes}. */
export interface WriteZeroesOptions extends WriteOptions {
  /** The range may be deallocated as long as it reads as zeroes. Default false. */
  mayUnmap?: boolean;
  /** Fail with `ENOTSUP` at once rather than write zeroes the slow way. Default false. */
  noFallback?: boolean;
}

/** Options of {@link BlockClient.blockStatus}. */
export interface BlockStatusOptions {
  /** Only the first extent. Default false. */
  reqOne?: boolean;
}

/**
 * Promises over a {@link BlockDriver}: for tests, tools and the control path. Every method rejects with a `BlockError`.
 * A read or write that is longer than the driver's `maxTransfer` is sent in pieces, one after the other, up to the first
 * that fails.
 */
export interface BlockClient {
  /** The driver that was given. The client neither opens nor closes it. */
  readonly driver: BlockDriver;
  /** Reads `length` bytes from byte `offset` on. */
  read(offset: number, length: number): Promise<Uint8Array>;
  /** Fills `buffer` with the bytes from `offset` on. */
  readInto(offset: number, buffer: Uint8Array): Promise<void>;
  /** Writes `data` at byte `offset`. The data must not change until the promise settled. */
  write(offset: number, data: Uint8Array, options?: WriteOptions): Promise<void>;
  /** Makes stable whatever completed before. */
  flush(): Promise<void>;
  /** Lets go of a range, whose content is undefined afterwards. */
  discard(offset: number, length: number, options?: WriteOptions): Promise<void>;
  /** Makes a range read as zeroes. */
  writeZeroes(offset: number, length: number, options?: WriteZeroesOptions): Promise<void>;
  /**
   * The allocation of a range. The extents cover it exactly: the driver is asked again where its answer was short, and the
   * last extent is cut where it reached further. With `reqOne` only the first extent.
   */
  blockStatus(offset: number, length: number, options?: BlockStatusOptions): Promise<BlockExtent[]>;
}

/**
 * A {@link BlockClient} over an open driver.
 *
 * ```ts no-run
 * const client = createBlockClient(driver);
 * await client.write(4096, new Uint8Array(512).fill(7));
 * await client.flush();
 * const data = await client.read(4096, 512);
 * ```
 */
export function createBlockClient(driver: BlockDriver): BlockClient {
  async function readInto(offset: number, buffer: Uint8Array): Promise<void> {
    for (const piece of pieces(driver, buffer)) {
      await send(driver, {
        operation: "read",
        offset: offset + piece.at,
        length: piece.bytes.length,
        iov: [piece.bytes],
      });
    }
  }
  return {
    driver,
    readInto,
    async read(offset, length) {
      requireLength(driver, offset, length);
      const buffer = new Uint8Array(length);
      await readInto(offset, buffer);
      return buffer;
    },
    async write(offset, data, options = {}) {
      const flags = options.fua === true ? RequestFlag.FUA : 0;
      for (const { at, bytes } of pieces(driver, data)) {
        await send(driver, { operation: "write", offset: offset + at, length: bytes.length, flags, iov: [bytes] });
      }
    },
    flush: async () => void (await send(driver, { operation: "flush" })),
    async discard(offset, length, options = {}) {
      const flags = options.fua === true ? RequestFlag.FUA : 0;
      await send(driver, { operation: "discard", offset, length, flags });
    },
    async writeZeroes(offset, length, options = {}) {
      await send(driver, { operation: "write-zeroes", offset, length, flags: zeroFlags(options) });
    },
    blockStatus: (offset, length, options = {}) => blockStatus(driver, offset, length, options.reqOne === true),
  };
}

/** Sends one request; resolves with it once it completed. */
function send(driver: BlockDriver, fields: Partial<BlockRequest>): Promise<BlockRequest> {
  return new Promise((resolve, reject) => {
    driver.submit(
      createRequest({
        ...fields,
        complete: (request, error) => (error === null ? resolve(request) : reject(error)),
      }),
    );
  });
}

/** `bytes` cut into pieces that the driver takes; one empty piece for no bytes, so that the driver still checks the offset. */
function* pieces(driver: BlockDriver, bytes: Uint8Array): Generator<{ at: number; bytes: Uint8Array }> {
  const { maxTransfer, requestAlignment } = driver.capabilities;
  const longest = maxTransfer - (maxTransfer % requestAlignment);
  let at = 0;
  do {
    yield { at, bytes: bytes.subarray(at, at + longest) };
    at += longest;
  } while (at < bytes.length);
}

/** Keeps an absurd length from becoming an allocation. */
function requireLength(driver: BlockDriver, offset: number, length: number): void {
  if (Number.isSafeInteger(length) && length >= 0 && length <= driver.capabilities.size) return;
  const message = `read of ${length} bytes at ${offset} is out of range`;
  throw new BlockError(message, { code: "EINVAL", operation: "read", offset, length });
}

function zeroFlags(options: WriteZeroesOptions): number {
  return (
    (options.fua === true ? RequestFlag.FUA : 0) |
    (options.mayUnmap === true ? RequestFlag.MAY_UNMAP : 0) |
    (options.noFallback === true ? RequestFlag.NO_FALLBACK : 0)
  );
}

async function blockStatus(
  driver: BlockDriver,
  offset: number,
  length: number,
  reqOne: boolean,
): Promise<BlockExtent[]> {
  if (reqOne) return (await extentsAt(driver, offset, length, RequestFlag.REQ_ONE)).slice(0, 1);
  const found: BlockExtent[] = [];
  let covered = 0;
  do {
    for (const extent of await extentsAt(driver, offset + covered, length - covered, 0)) {
      found.push(extent);
      covered += extent.length;
    }
  } while (covered < length);
  return found;
}

/** One block-status request; its extents, cut to the request. */
async function extentsAt(driver: BlockDriver, offset: number, length: number, flags: number): Promise<BlockExtent[]> {
  const { extents } = await send(driver, { operation: "block-status", offset, length, flags });
  const cut: BlockExtent[] = [];
  let left = length;
  for (const extent of extents) {
    if (left === 0 || !(extent.length > 0)) break;
    cut.push({ ...extent, length: Math.min(extent.length, left) });
    left -= Math.min(extent.length, left);
  }
  if (cut.length > 0) return cut;
  const message = `block-status of ${length} bytes at ${offset} was answered with no extent`;
  throw new BlockError(message, { code: "EIO", operation: "block-status", offset, length });
}
