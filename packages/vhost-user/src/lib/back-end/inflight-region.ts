import { inflightBytes } from "@rehandle/virtio-blk";

import type { InflightDescription } from "../messages.ts";
import { SharedMapping } from "../shared-mapping.ts";
import type { SigbusGuard } from "../sigbus-guard.ts";
import { Seal } from "../system-calls.ts";
import type { SystemCalls } from "../system-calls.ts";
import { protocolError } from "../vhost-user-error.ts";

/** What a device allows. */
interface InflightLimits {
  readonly numQueues: number;
  readonly maxQueueSize: number;
}

/** A new region, all zero, for the front end to keep. The descriptor is the caller's. */
export function createInflightFile(
  calls: SystemCalls,
  asked: InflightDescription,
  packed: boolean,
  limits: InflightLimits,
): { readonly fd: number; readonly description: InflightDescription } {
  const { numQueues, queueSize } = asked;
  checkLimits(asked, limits);
  const size = numQueues * inflightBytes(queueSize, packed);
  const fd = calls.createMemoryFile("vhost-user-inflight", size);
  calls.addSeals(fd, Seal.SHRINK | Seal.GROW | Seal.SEAL);
  return { fd, description: { mmapSize: BigInt(size), mmapOffset: 0n, numQueues, queueSize } };
}

/** The region that the front end keeps of the requests that are unfinished (vhost-user.rst, "Inflight I/O tracking"). */
export class InflightRegion {
  readonly #mapping: SharedMapping;
  readonly #description: InflightDescription;

  /**
   * The caller keeps `fd`.
   * @throws VhostUserError `EPROTO`.
   */
  constructor(
    calls: SystemCalls,
    guard: SigbusGuard | null,
    description: InflightDescription,
    fd: number,
    limits: InflightLimits,
  ) {
    checkLimits(description, limits);
    const size = Number(description.mmapSize);
    if (size > 2 ** 30) throw protocolError(`an inflight region of ${size} bytes is too large`);
    this.#mapping = new SharedMapping(calls, guard, { fd, offset: Number(description.mmapOffset), size });
    this.#description = description;
  }

  get faults(): number {
    return this.#mapping.faults;
  }

  /**
   * The part of one queue.
   * @throws VhostUserError `EPROTO` if it has none.
   */
  part(index: number, packed: boolean): Uint8Array {
    const { numQueues, queueSize } = this.#description;
    const bytes = inflightBytes(queueSize, packed);
    const window = this.#mapping.windows[0];
    if (window === undefined || index >= numQueues || (index + 1) * bytes > this.#mapping.size) {
      throw protocolError(`the inflight region has no room for queue ${index}`);
    }
    return new Uint8Array(window, index * bytes, bytes);
  }

  close(): void {
    this.#mapping.unmap();
  }
}

function checkLimits(description: InflightDescription, limits: InflightLimits): void {
  const { numQueues, queueSize } = description;
  if (numQueues < 1 || numQueues > limits.numQueues || queueSize < 1 || queueSize > limits.maxQueueSize) {
    throw protocolError(
      `an inflight region for ${numQueues} queues of ${queueSize}: there are ${limits.numQueues} of ${limits.maxQueueSize}`,
    );
  }
}
