import { changesData, isBlockError, type BlockError } from "@rehandle/driver-sdk";
import { NBD_CMD_DISC, REQUEST_HEADER_LENGTH, writeRequestHeader } from "@rehandle/nbd/protocol";
import type { Channel, ChannelSink } from "./channel.ts";
import { lostError } from "./nbd-errors.ts";
import type { PendingRequest } from "./pending-request.ts";
import { ReplyReader } from "./reply-reader.ts";
import { ReplyReceiver, type ReplyTerms } from "./reply-receiver.ts";
import { goesByReference, RequestEncoder } from "./request-encoder.ts";
import { SlotTable } from "./slot-table.ts";

/**
 * - `active`: takes requests.
 * - `retired`: takes none, but those in flight may still be answered, and land, so it is kept.
 * - `broken`: the server broke the protocol; what it says is not heard any more, but what it was sent may still land, so
 *   its end is waited for.
 * - `over`: let go of, or ended by the server.
 */
export type ConnectionState = "active" | "retired" | "broken" | "over";

const TRANSITIONS: Readonly<Record<ConnectionState, readonly ConnectionState[]>> = {
  active: ["retired", "broken", "over"],
  retired: ["broken", "over"],
  broken: ["over"],
  over: [],
};

/** Who hears a {@link Connection}. */
export interface ConnectionOwner {
  /** These were answered, in this order; `pending.error` says how. The list is used again after the call. */
  answered(connection: Connection, answered: readonly PendingRequest[]): void;
  /** The connection is of no more use (`broken` or `over`). The requests given are over without an answer; oldest first. */
  lost(connection: Connection, error: BlockError, unanswered: readonly PendingRequest[]): void;
  /** It takes requests again after the kernel had no room for them. */
  writable(connection: Connection): void;
  /** It ended, and nothing can land through it any more. Comes once, after everything else. */
  ended(connection: Connection): void;
}

/** The most requests in flight on one connection. The rest waits in the driver, where it can be taken back. */
const MAX_REQUESTS = 256;
/** The most bytes of data in flight on one connection, either way, unless one request alone has more. */
const MAX_BYTES = 16 * 1024 * 1024;

/** With so many requests in flight, several answers at once are worth a moment's patience. */
const MANY_REQUESTS = 16;

/** One connection in transmission. */
export class Connection implements ChannelSink {
  /** Which group it belongs to. */
  readonly generation: number;
  readonly #channel: Channel;
  #owner: ConnectionOwner;
  readonly #slots = new SlotTable(MAX_REQUESTS);
  readonly #encoder = new RequestEncoder();
  readonly #receiver: ReplyReceiver;
  readonly #reader: ReplyReader;
  #state: ConnectionState = "active";
  #bytes = 0;
  /** Number of the last write to the channel, and of the last that the kernel has taken whole. */
  #writes = 0;
  #takenWrites = 0;
  readonly #written = (): void => this.#checkTaken();
  #answered: PendingRequest[] = [];

  constructor(channel: Channel, terms: ReplyTerms, generation: number, owner: ConnectionOwner) {
    this.#channel = channel;
    this.generation = generation;
    this.#owner = owner;
    this.#receiver = new ReplyReceiver(this.#slots, terms);
    this.#reader = new ReplyReader(this.#receiver);
    channel.sink = this;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Requests in flight. */
  get inFlight(): number {
    return this.#slots.used;
  }

  /** True if it takes a request now. */
  get hasRoom(): boolean {
    return (
      this.#state === "active" && this.#takenWrites === this.#writes && !this.#slots.isFull && this.#bytes < MAX_BYTES
    );
  }

  /** Hands the connection on. */
  setOwner(owner: ConnectionOwner): void {
    this.#owner = owner;
  }

  /** True if the batch that is being built has room for this request; else {@link send} must come first. */
  fits(pending: PendingRequest): boolean {
    return this.#encoder.fits(pending);
  }

  /** Takes a request that fits, while there is room; {@link send} sends it. */
  add(pending: PendingRequest): void {
    this.#slots.put(pending);
    this.#encoder.add(pending, this.#slots.cookieHigh(pending.slot));
    pending.connection = this;
    pending.place = "sent";
    if (goesByReference(pending.request!)) pending.payloadWrite = this.#writes + 1;
    this.#bytes += dataLength(pending);
  }

  /** Sends in one write what was added. */
  send(): void {
    if (this.#encoder.isEmpty) return;
    this.#writes += 1;
    this.#channel.write(this.#encoder.takeParts(), this.#written);
    if (this.#channel.unsentBytes === 0) this.#taken();
  }

  /** True if this request's buffers are no longer needed for sending it. */
  hasTaken(pending: PendingRequest): boolean {
    return pending.payloadWrite <= this.#takenWrites;
  }

  /** Takes no more requests, and lets go as soon as those in flight are over. */
  retire(): void {
    if (this.#state !== "active") return;
    this.#setState("retired");
    this.#finishIfIdle();
  }

  /** Lets go at once. What is in flight may still land: the caller knows better, or cannot wait any longer. */
  abort(): readonly PendingRequest[] {
    if (this.#state === "over") return [];
    const unanswered = this.#slots.clearAll();
    this.#finish(unanswered.length === 0);
    return unanswered;
  }

  expectsMore(): boolean {
    return this.#slots.used >= MANY_REQUESTS;
  }

  data(buffer: Uint8Array, length: number): void {
    let violation: BlockError | null = null;
    try {
      this.#reader.feed(buffer, length);
    } catch (error) {
      if (!isBlockError(error)) throw error;
      violation = error;
    }
    this.#deliver();
    if (violation !== null) this.#break(violation);
    else if (this.#state === "retired") this.#finishIfIdle();
  }

  closed(error: Error | null): void {
    const wasBroken = this.#state === "broken";
    const loss = lostError(error === null ? "the server closed the connection" : error.message, error);
    this.#setState("over");
    const unanswered = this.#slots.clearAll();
    if (!wasBroken || unanswered.length > 0) this.#owner.lost(this, loss, unanswered);
    this.#owner.ended(this);
  }

  #deliver(): void {
    const { answered } = this.#receiver;
    if (answered.length === 0) return;
    // The list that is given away is not the one that fills up when the owner's callbacks lead back here.
    this.#receiver.answered = this.#answered;
    this.#answered = answered;
    for (const pending of answered) this.#bytes -= dataLength(pending);
    this.#owner.answered(this, answered);
    answered.length = 0;
  }

  /**
   * The server broke the protocol: nothing it says counts any more. Reads are over at once; what changes data may land until
   * the server is done with the connection, so it is told that nothing more will come, and its end is waited for.
   */
  #break(error: BlockError): void {
    if (this.#state === "over") return;
    this.#reader.stop();
    this.#setState("broken");
    const all = this.#slots.clearAll();
    const over = all.filter((pending) => !changesData(pending.request!.operation));
    for (const pending of all) if (changesData(pending.request!.operation)) this.#slots.put(pending);
    this.#owner.lost(this, error, over);
    if (this.#slots.used === 0) this.#finish(false);
    else this.#channel.end();
  }

  #finishIfIdle(): void {
    if (this.#slots.used === 0 && this.#state === "retired") this.#finish(true);
  }

  /** Lets go; says goodbye before if it is `polite` and the kernel has room for it. */
  #finish(polite: boolean): void {
    this.#setState("over");
    this.#reader.stop();
    this.#channel.sink = null;
    if (polite && this.#takenWrites === this.#writes) this.#channel.finish(disconnectRequest());
    else this.#channel.destroy();
    this.#owner.ended(this);
  }

  #checkTaken(): void {
    if (this.#takenWrites === this.#writes || this.#channel.unsentBytes > 0) return;
    this.#taken();
    if (this.#state === "active") this.#owner.writable(this);
  }

  #taken(): void {
    this.#takenWrites = this.#writes;
    this.#encoder.reset();
  }

  #setState(state: ConnectionState): void {
    if (!TRANSITIONS[this.#state].includes(state))
      throw new Error(`connection cannot go from ${this.#state} to ${state}`);
    this.#state = state;
  }
}

/** Bytes that a request moves over the connection. */
function dataLength(pending: PendingRequest): number {
  const { operation } = pending.request!;
  return operation === "read" || operation === "write" ? pending.length : 0;
}

function disconnectRequest(): Uint8Array {
  const request = new Uint8Array(REQUEST_HEADER_LENGTH);
  writeRequestHeader(request, 0, 0, NBD_CMD_DISC, 0, 0, 0, 0);
  return request;
}
