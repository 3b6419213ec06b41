import { BlockError } from "./block-error.ts";
import { RequestFlag, type BlockExtent, type BlockRequest } from "./block-request.ts";
import type { DriverCapabilities } from "./capabilities.ts";
import type { DriverDefinition } from "./driver-definition.ts";
import { copyFromIov, copyToIov } from "./iov.ts";

/** One request on its way through a definition's functions. */
export interface Attempt {
  readonly request: BlockRequest;
  /** The submitter took the buffers back. */
  detached: boolean;
  /** The request completed. The functions may still be running, if a close did not wait for them. */
  done: boolean;
}

/** Calls the function that a request asks for. Rejects with whatever the function throws. */
export async function performRequest(
  definition: DriverDefinition,
  capabilities: DriverCapabilities,
  attempt: Attempt,
): Promise<void> {
  const { operation, offset, length, flags } = attempt.request;
  const fua = (flags & RequestFlag.FUA) !== 0;
  switch (operation) {
    case "read":
      return await read(definition, attempt);
    case "write": {
      const data = new Uint8Array(length);
      copyFromIov(attempt.request.iov, data);
      return await definition.write?.(offset, data, { fua });
    }
    case "flush":
      return await definition.flush?.();
    case "discard":
      return await definition.discard?.(offset, length, { fua });
    case "write-zeroes": {
      const mayUnmap = (flags & RequestFlag.MAY_UNMAP) !== 0;
      const noFallback = (flags & RequestFlag.NO_FALLBACK) !== 0;
      return await definition.writeZeroes?.(offset, length, { fua, mayUnmap, noFallback });
    }
    case "block-status":
      return await blockStatus(definition, capabilities, attempt);
    default:
      throw new BlockError(`${String(operation)} is not supported`, { code: "ENOTSUP" });
  }
}

async function read(definition: DriverDefinition, attempt: Attempt): Promise<void> {
  const { request } = attempt;
  const buffer = new Uint8Array(request.length);
  await definition.read(request.offset, buffer);
  if (!attempt.detached && !attempt.done) copyToIov(request.iov, buffer);
}

async function blockStatus(
  definition: DriverDefinition,
  capabilities: DriverCapabilities,
  attempt: Attempt,
): Promise<void> {
  const { request } = attempt;
  const { offset, length } = request;
  const reqOne = (request.flags & RequestFlag.REQ_ONE) !== 0;
  const extents = (await definition.blockStatus?.(offset, length, { reqOne })) ?? [];
  if (attempt.done) return;
  const end = reqOne ? length : capabilities.size - offset;
  let covered = 0;
  for (const extent of extents) {
    const count = clipped(extent, end - covered);
    // An extent that begins past the end of the request is no answer to it.
    if (count === 0 || covered >= length) break;
    request.extents.push({ length: count, hole: extent.hole, zero: extent.zero });
    covered += count;
    if (reqOne) break;
  }
  if (covered === 0) throw new BlockError("the driver answered block-status with no extent", { code: "EIO" });
}

function clipped(extent: BlockExtent, left: number): number {
  if (Number.isSafeInteger(extent.length) && extent.length > 0) return Math.min(extent.length, left);
  throw new BlockError(`the driver answered block-status with an extent of ${extent.length} bytes`, { code: "EIO" });
}
