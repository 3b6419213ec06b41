import {
  BlockError,
  checkRequest,
  RequestFlag,
  type BlockDriver,
  type BlockRequest,
  type DriverCapabilities,
  type DriverEvent,
  type OpenContext,
} from "@rehandle/driver-sdk";
import { MemberConnections } from "./member-connections.ts";
import { mergeExtents } from "./merge-extents.ts";
import { raid0Capabilities } from "./raid0-capabilities.ts";
import { Raid0Job } from "./raid0-job.ts";
import { bytesOnMember, splitIov, type StripeMap } from "./stripe-map.ts";

/** Options of {@link createRaid0Driver}. */
export interface Raid0DriverOptions {
  /** At least one, none of them open. The driver opens and closes them. */
  readonly members: readonly BlockDriver[];
  /** Bytes on one member before it is the next one's turn; a multiple of every member's alignment. Default 65536. */
  readonly stripeSize?: number;
}

/**
 * One disk striped over several: RAID 0. Data goes from and to the request's buffers without a copy. The size is that of the
 * smallest member, rounded down to stripes, times their number. Nothing is redundant: a member that fails a request fails it
 * for the disk.
 * @throws RangeError for no members or a stripe size that is no integer > 0.
 */
export function createRaid0Driver(options: Raid0DriverOptions): BlockDriver {
  return new Raid0Driver(options);
}

class Raid0Driver implements BlockDriver {
  readonly driverName = "raid0";
  readonly #members: readonly BlockDriver[];
  readonly #map: StripeMap;
  readonly #pool: Raid0Job[] = [];
  #context: OpenContext | null = null;
  #state: "new" | "open" | "closed" = "new";
  #capabilities: DriverCapabilities | null = null;

  constructor({ members, stripeSize = 65536 }: Raid0DriverOptions) {
    if (members.length === 0) throw new RangeError("a striped disk needs at least one member");
    if (!Number.isSafeInteger(stripeSize) || stripeSize <= 0) {
      throw new RangeError(`stripeSize must be an integer > 0, not ${stripeSize}`);
    }
    this.#members = members;
    this.#map = { stripeSize, members: members.length };
  }

  get capabilities(): DriverCapabilities {
    if (this.#capabilities === null) throw new BlockError("the driver is not open", { code: "EBADF" });
    return this.#capabilities;
  }

  async open(context: OpenContext): Promise<DriverCapabilities> {
    if (this.#state !== "new") {
      throw new BlockError("the driver was opened or closed before", { code: "EBADF", operation: "open" });
    }
    this.#context = context;
    const connections = new MemberConnections(this.#members.length, (event) => this.#emit(event));
    const onEvent = (member: number, event: DriverEvent): void => {
      if (event.type === "resized") this.#measure();
      else if (this.#capabilities?.reportsConnection === true) connections.onEvent(member, event);
    };
    const opening = this.#members.map((driver, member) =>
      driver.open({ ...context, onEvent: (event) => onEvent(member, event) }),
    );
    try {
      this.#capabilities = raid0Capabilities(await Promise.all(opening), this.#map.stripeSize);
    } catch (thrown) {
      // Those that did open must not stay open.
      await Promise.allSettled(opening);
      await this.close();
      throw thrown;
    }
    if (this.#isClosed()) throw new BlockError("closed while it was opened", { code: "ECANCELED", operation: "open" });
    this.#state = "open";
    return this.#capabilities;
  }

  submit(request: BlockRequest): void {
    const error = this.#refusal(request);
    if (error !== null || (request.length === 0 && request.operation !== "flush")) {
      request.complete(request, error);
      return;
    }
    const job = this.#pool.pop() ?? new Raid0Job(this.#members.length, this.#onPartComplete);
    job.request = request;
    request.driverState = job;
    this.#prepare(job, request);
    // A member may complete from within its submit: this one more keeps the job until all parts are on their way.
    job.pending += 1;
    for (const [member, driver] of this.#members.entries()) {
      if (job.open[member] === true) driver.submit(job.parts[member]!);
    }
    this.#onPartDone(job);
  }

  abandon(request: BlockRequest): boolean {
    const job = request.driverState;
    if (!(job instanceof Raid0Job) || job.request !== request) return false;
    // Every member is asked, so that each can look for another way.
    const answers = this.#members.map((driver, member) => {
      return job.open[member] !== true || driver.abandon?.(job.parts[member]!) === true;
    });
    return answers.every(Boolean);
  }

  reconnectNow(): void {
    for (const driver of this.#members) driver.reconnectNow?.();
  }

  async close(): Promise<void> {
    this.#state = "closed";
    await Promise.allSettled(this.#members.map((driver) => driver.close()));
  }

  #isClosed(): boolean {
    return this.#state === "closed";
  }

  #refusal(request: BlockRequest): BlockError | null {
    if (this.#state === "open") return checkRequest(this.capabilities, request);
    const { operation, offset, length } = request;
    return new BlockError(`${operation} on a driver that is not open`, { code: "EBADF", operation, offset, length });
  }

  /** Fills in the parts of the members that the request touches. */
  #prepare(job: Raid0Job, request: BlockRequest): void {
    const { operation, offset, length, flags, iov } = request;
    const isFlush = operation === "flush";
    const iovs = iov.length === 0 ? null : splitIov(this.#map, offset, iov);
    job.parts.forEach((part, member) => {
      const from = isFlush ? 0 : bytesOnMember(this.#map, member, offset);
      const to = isFlush ? 0 : bytesOnMember(this.#map, member, offset + length);
      part.extents.length = 0;
      job.open[member] = isFlush || to > from;
      if (!job.open[member]) return;
      part.operation = operation;
      part.offset = from;
      part.length = to - from;
      part.flags = flags;
      part.iov = iovs?.[member] ?? [];
      job.pending += 1;
    });
  }

  /** Shared by all parts of all jobs. */
  readonly #onPartComplete = (part: BlockRequest, error: BlockError | null): void => {
    const job = part.owner as Raid0Job;
    job.open[job.parts.indexOf(part)] = false;
    job.error ??= error;
    this.#onPartDone(job);
  };

  #onPartDone(job: Raid0Job): void {
    job.pending -= 1;
    const { request } = job;
    if (job.pending > 0 || request === null) return;
    const error = job.error === null ? null : errorOfDisk(job.error, request);
    if (error === null && request.operation === "block-status") this.#answerStatus(job, request);
    job.request = null;
    job.error = null;
    request.driverState = null;
    this.#pool.push(job);
    request.complete(request, error);
  }

  #answerStatus(job: Raid0Job, request: BlockRequest): void {
    const most = (request.flags & RequestFlag.REQ_ONE) !== 0 ? 1 : Infinity;
    const answers = job.parts.map((part) => part.extents);
    request.extents.push(...mergeExtents(this.#map, request.offset, request.length, answers, most));
  }

  /** A member's size changed. */
  #measure(): void {
    if (this.#capabilities === null) return;
    const before = this.#capabilities.size;
    const members = this.#members.map((driver) => driver.capabilities);
    this.#capabilities = raid0Capabilities(members, this.#map.stripeSize);
    if (this.#capabilities.size !== before) this.#emit({ type: "resized", size: this.#capabilities.size });
  }

  #emit(event: DriverEvent): void {
    if (this.#state === "open") this.#context?.onEvent(event);
  }
}

/** A member's error, told in the disk's offsets. */
function errorOfDisk(cause: BlockError, { operation, offset, length }: BlockRequest): BlockError {
  const { code, errorClass, message } = cause;
  return new BlockError(message, { code, errorClass, operation, offset, length, cause });
}
