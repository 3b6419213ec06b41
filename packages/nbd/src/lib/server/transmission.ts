import type { BlockDriver, BlockError, DriverCapabilities } from "@rehandle/driver-sdk";
import {
  NBD_CMD_BLOCK_STATUS,
  NBD_CMD_CACHE,
  NBD_CMD_DISC,
  NBD_CMD_FLAG_REQ_ONE,
  NBD_CMD_FLUSH,
  NBD_CMD_READ,
  NBD_CMD_WRITE,
  NBD_DEFAULT_MAX_PAYLOAD,
  NBD_ESHUTDOWN,
  NBD_SUCCESS,
} from "../protocol/constants.ts";
import type { RequestHeader } from "../protocol/request.ts";
import { protocolError } from "../protocol/protocol-error.ts";
import type { BufferPool } from "./buffer-pool.ts";
import { checkCommand, type TransmissionTerms } from "./command-check.ts";
import { fillFlush, fillRequest } from "./command-request.ts";
import type { NbdServerLimits } from "./limits.ts";
import type { NbdExport } from "./nbd-export.ts";
import { MAX_BLOCK_STATUS, replyError, ReplyEncoder } from "./reply-encoder.ts";
import { ReplyOutput } from "./reply-output.ts";
import { RequestParser } from "./request-parser.ts";
import type { RequestSlot, SlotOwner, SlotPool } from "./request-slot.ts";
import type { Transport } from "./transport.ts";

/** What all connections of a server share. */
export interface SharedResources {
  readonly limits: NbdServerLimits;
  readonly buffers: BufferPool;
  readonly slots: SlotPool;
}

/** How a transmission ends, told once. */
export interface TransmissionObserver {
  /** The client broke the protocol; the connection must be cut. */
  onFailed(error: BlockError): void;
  /** The client left or was asked to: all its requests are answered, and the answers are written. */
  onFinished(): void;
  /** The last request of a transmission that was aborted came to its end. */
  onSettled(): void;
}

/**
 * How much one client may have done in one turn of the event loop before the others have theirs: bytes of data, and each
 * request counts as {@link REQUEST_COST} besides. About a millisecond if everything is served from memory.
 */
const TURN_BUDGET = 4 * 1024 * 1024;
const REQUEST_COST = 8192;

/**
 * Bytes of replies that wait for the client to read, above which no further request is begun. More would be no sooner with
 * the client, and buffers that come back while they are still in the processor's cache make a copy of the disk a tenth cheaper.
 */
const MOST_UNREAD = 256 * 1024;

/** Bytes that a request takes at most before its answer is with the client. */
function chargeOf({ type, flags, length }: RequestHeader): number {
  if (type === NBD_CMD_READ || type === NBD_CMD_WRITE) return length;
  return type === NBD_CMD_BLOCK_STATUS && (flags & NBD_CMD_FLAG_REQ_ONE) === 0 ? MAX_BLOCK_STATUS : 0;
}

/** What the parser waits for: a header, room for the request, the data of a write, the end of refused data, nothing more. */
type ParseState = "header" | "room" | "data" | "refused-data" | "stopped";

/**
 * The transmission phase of one connection. All requests that one socket read brought go to the driver before the replies
 * that are ready by then are sent together. Replies of requests that complete later are gathered until the event loop's
 * turn ends.
 */
export class Transmission implements SlotOwner {
  readonly #transport: Transport;
  readonly #driver: BlockDriver;
  readonly #isCongested: () => boolean;
  readonly #terms: TransmissionTerms;
  readonly #shared: SharedResources;
  readonly #observer: TransmissionObserver;
  readonly #parser: RequestParser;
  readonly #output: ReplyOutput;
  readonly #encoder: ReplyEncoder;
  #capabilities: DriverCapabilities;
  #state: ParseState = "header";
  /** The write whose data is arriving, and how much of it has. */
  #arriving: RequestSlot | null = null;
  #arrived = 0;
  /** What the request with refused data is answered with. */
  #refusal = NBD_SUCCESS;
  #refusedLeft = 0;
  /** The requests in flight, in no order; each knows its place. */
  readonly #slots: RequestSlot[] = [];
  #inFlightBytes = 0;
  #running = false;
  /** What is left of the present turn. */
  #budget = 0;
  #turnPlanned = false;
  #inputEnded = false;
  #isDisconnecting = false;
  #shuttingDown = false;
  /** The connection is gone or handed back; nobody wants replies any more. */
  #over = false;

  constructor(
    transport: Transport,
    nbdExport: NbdExport,
    terms: TransmissionTerms,
    shared: SharedResources,
    observer: TransmissionObserver,
  ) {
    this.#transport = transport;
    const { driver, isCongested = () => false } = nbdExport;
    this.#driver = driver;
    this.#isCongested = isCongested;
    this.#terms = terms;
    this.#shared = shared;
    this.#observer = observer;
    this.#capabilities = driver.capabilities;
    this.#parser = new RequestParser(transport.memory);
    this.#output = new ReplyOutput(transport, shared.buffers);
    this.#encoder = new ReplyEncoder(this.#output, shared.buffers, terms);
  }

  /** Requests that the driver has, and the write whose data is arriving. */
  get inFlight(): number {
    return this.#slots.length;
  }

  /** The client sent NBD_CMD_DISC: it wants what it asked for before to be done, and has nothing more to say. */
  get isDisconnecting(): boolean {
    return this.#isDisconnecting;
  }

  /** Takes the first `length` bytes of what the connection brought. */
  receive(chunk: Buffer, length: number = chunk.length): void {
    if (this.#over) return;
    this.#parser.push(chunk, length);
    this.#run();
  }

  /** All of a write that did not go out at once is sent. */
  drained(): void {
    this.#output.drained();
    this.#run();
  }

  /** The client sends nothing more, but may still read. */
  endInput(): void {
    this.#inputEnded = true;
    this.#run();
  }

  /** The storage takes requests again. */
  resume(): void {
    this.#run();
  }

  /** Answers what is in flight, refuses with ESHUTDOWN what comes before that is done, then finishes. */
  shutDown(): void {
    this.#shuttingDown = true;
    this.#planTurn();
  }

  /**
   * The connection is gone, nobody wants its replies. Requests that the driver has not begun with are cancelled, the others
   * go on to their end; so do changes that the client sent a NBD_CMD_DISC after.
   */
  abort(): void {
    this.#over = true;
    this.#state = "stopped";
    this.#parser.clear();
    this.#output.discard();
    if (this.#arriving !== null) this.#recycle(this.#arriving);
    this.#arriving = null;
    // To cancel one may end others, whose slots are somebody else's then.
    for (const slot of this.#slots.slice()) {
      const isWanted = this.#isDisconnecting && slot.type !== NBD_CMD_READ && slot.type !== NBD_CMD_BLOCK_STATUS;
      if (slot.owner === this && !isWanted) this.#driver.cancel?.(slot.request);
    }
  }

  /** The driver is done with a request: called by its completion, perhaps from within submit. */
  finish(slot: RequestSlot, error: BlockError | null): void {
    if (error === null && slot.flushAfter) {
      fillFlush(slot);
      this.#driver.submit(slot.request);
      return;
    }
    this.#inFlightBytes -= slot.charge;
    if (!this.#over) this.#reply(slot, error);
    this.#recycle(slot);
    if (!this.#over) {
      if (!this.#running) this.#planTurn();
    } else if (this.#slots.length === 0) this.#observer.onSettled();
  }

  #reply(slot: RequestSlot, error: BlockError | null): void {
    if (error === null) {
      this.#encoder.success(slot);
      return;
    }
    const wire = replyError(error, slot.type, slot.flags, this.#shuttingDown);
    this.#encoder.failure(wire, error.message, slot.cookieHigh, slot.cookieLow);
  }

  #recycle(slot: RequestSlot): void {
    const last = this.#slots.pop()!;
    if (last !== slot) {
      this.#slots[slot.place] = last;
      last.place = slot.place;
    }
    if (slot.buffer !== null) this.#shared.buffers.give(slot.buffer);
    this.#shared.slots.give(slot);
  }

  #planTurn(): void {
    if (this.#turnPlanned) return;
    this.#turnPlanned = true;
    setImmediate(this.#plannedTurn);
  }

  readonly #plannedTurn = (): void => {
    this.#turnPlanned = false;
    this.#run();
  };

  /** Does all that can be done now. */
  #run(): void {
    if (this.#running || this.#over) return;
    this.#running = true;
    this.#capabilities = this.#driver.capabilities;
    this.#budget = TURN_BUDGET;
    do {
      while (this.#budget > 0 && this.#step()) {
        // Each step does its own work.
      }
    } while (this.#flushMakesRoom());
    this.#parser.release();
    this.#running = false;
    if (this.#over) return;
    if (this.#budget <= 0) this.#planTurn();
    this.#settle();
  }

  /** Sends what was gathered. True if a request waits for room and some was made: nobody else would tell. */
  #flushMakesRoom(): boolean {
    if (this.#over) return false;
    const before = this.#output.pending;
    this.#output.flush();
    return this.#state === "room" && this.#output.pending < before;
  }

  /** True if there may be more to do. */
  #step(): boolean {
    switch (this.#state) {
      case "header":
        return this.#readHeader();
      case "room":
        return this.#admit();
      case "data":
        return this.#gatherData();
      case "refused-data":
        return this.#passRefusedData();
      default:
        return false;
    }
  }

  #readHeader(): boolean {
    const found = this.#parser.nextHeader();
    if (found === null) return this.#fail("a request starts with the wrong magic");
    if (!found) return false;
    if (this.#parser.header.type === NBD_CMD_DISC) {
      this.#isDisconnecting = true;
      this.#state = "stopped";
      return false;
    }
    this.#state = "room";
    this.#budget -= REQUEST_COST;
    return true;
  }

  /** Decides about the request whose header was read, as soon as there is room for it. */
  #admit(): boolean {
    const { header } = this.#parser;
    const { type, length } = header;
    // To stay in step with a client that sends so much, all of it would have to be read.
    if (type === NBD_CMD_WRITE && length > NBD_DEFAULT_MAX_PAYLOAD) return this.#fail(`a write of ${length} bytes`);
    const refusal = this.#shuttingDown ? NBD_ESHUTDOWN : checkCommand(header, this.#terms, this.#capabilities);
    const charge = refusal === NBD_SUCCESS ? chargeOf(header) : 0;
    if (refusal === NBD_SUCCESS && this.#isCongested()) return false;
    if (!this.#hasRoom(charge)) return false;
    this.#state = "header";
    if (refusal !== NBD_SUCCESS) {
      this.#refuse(refusal, type === NBD_CMD_WRITE ? length : 0);
    } else if (type === NBD_CMD_CACHE || (length === 0 && type !== NBD_CMD_FLUSH)) {
      // A hint that drivers have no use for, or nothing to do.
      this.#encoder.done(type, header.cookieHigh, header.cookieLow);
    } else {
      this.#start(charge);
    }
    return true;
  }

  /** One request always has room, however long; so has everything else within the bounds, as long as the client reads. */
  #hasRoom(charge: number): boolean {
    const { limits } = this.#shared;
    const pending = this.#output.pending;
    const inFlight = this.#slots.length;
    if (inFlight === 0 && pending === 0) return true;
    if (inFlight >= limits.maxInFlightRequests || pending > MOST_UNREAD) return false;
    return this.#inFlightBytes + pending + charge <= limits.maxInFlightBytes;
  }

  #refuse(wire: number, dataLength: number): void {
    this.#refusal = wire;
    this.#refusedLeft = dataLength;
    this.#state = "refused-data";
  }

  #passRefusedData(): boolean {
    this.#refusedLeft -= this.#parser.skip(this.#refusedLeft);
    if (this.#refusedLeft > 0) return false;
    const { cookieHigh, cookieLow } = this.#parser.header;
    this.#encoder.failure(this.#refusal, "", cookieHigh, cookieLow);
    this.#state = "header";
    return true;
  }

  #start(charge: number): void {
    const { header } = this.#parser;
    const slot = this.#shared.slots.take();
    slot.owner = this;
    slot.charge = charge;
    fillRequest(slot, header, this.#capabilities);
    slot.place = this.#slots.push(slot) - 1;
    this.#inFlightBytes += charge;
    this.#budget -= charge;
    if (header.type === NBD_CMD_READ) {
      slot.buffer = this.#shared.buffers.take(header.length);
      slot.dataIov[0] = slot.buffer.payload(header.length);
    } else if (header.type === NBD_CMD_WRITE) {
      slot.buffer = this.#shared.buffers.take(header.length);
      slot.dataIov[0] = slot.buffer.payload(header.length);
      this.#arriving = slot;
      this.#arrived = 0;
      this.#state = "data";
      return;
    }
    this.#submit(slot);
  }

  /** Copies what has arrived of a write's data: what the socket read must not be kept, see {@link RequestParser}. */
  #gatherData(): boolean {
    const slot = this.#arriving!;
    const buffer = slot.buffer!;
    const { length } = slot.request;
    this.#arrived += this.#parser.copy(buffer.bytes, buffer.at + this.#arrived, buffer.at + length);
    if (this.#arrived < length) return false;
    this.#arriving = null;
    this.#state = "header";
    this.#submit(slot);
    return true;
  }

  #submit(slot: RequestSlot): void {
    if (slot.type === NBD_CMD_BLOCK_STATUS && !this.#capabilities.blockStatus) {
      // Without knowledge everything counts as data, which is always true.
      slot.request.extents.push({ length: slot.request.length, hole: false, zero: false });
      this.finish(slot, null);
    } else {
      this.#driver.submit(slot.request);
    }
  }

  #fail(message: string): false {
    this.#state = "stopped";
    this.#observer.onFailed(protocolError(message));
    return false;
  }

  /** Stops or starts reading the socket, and ends the phase when nothing is left to do. */
  #settle(): void {
    const waiting = this.#state === "room";
    this.#transport.setReading(!waiting && this.#budget > 0);
    const unparsed = waiting || this.#budget <= 0;
    const leaving = this.#state === "stopped" || this.#shuttingDown || (this.#inputEnded && !unparsed);
    const submitted = this.#slots.length - (this.#arriving === null ? 0 : 1);
    if (!leaving || submitted > 0 || this.#output.pending > 0) return;
    this.#observer.onFinished();
  }
}
