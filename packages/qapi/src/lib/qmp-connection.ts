import { JsonStream, type JsonLimits, type JsonValue, writeJson } from "@rehandle/json";
import type { Call, CallQueue } from "./call-queue.ts";
import { readEventData, readResult } from "./check-arguments.ts";
import type { EventHub } from "./event-hub.ts";
import { isQmpError, QmpError } from "./qmp-error.ts";
import { readGreeting, type QmpGreeting } from "./qmp-greeting.ts";
import { readMessage, type QmpMessage } from "./qmp-message.ts";
import { asciiBytes } from "./qmp-transport.ts";
import { own, type Schema } from "./schema.ts";

/** How a client's bytes get to the server. */
export interface QmpClientTransport {
  /** Queues bytes. */
  write(bytes: Uint8Array): void;
  /** Closes once all that was written is sent. */
  end(): void;
  /** Bytes that the server has not yet taken; while there are many, nothing more is sent until `drained()` is called. */
  pendingBytes?(): number;
}

/** What a connection works with, and whom it tells. */
export interface ConnectionHost {
  readonly calls: CallQueue;
  readonly hub: EventHub;
  /** Ask for `oob` if the server has it. */
  readonly oob: boolean;
  /** What results and events are read by, if by any. */
  readonly schema: Schema | undefined;
  readonly limits: Partial<JsonLimits>;
  /** The negotiation is over. */
  ready(greeting: QmpGreeting): void;
  /** Nothing more will come of this connection. Called once. */
  ended(error: QmpError): void;
  /** An event that the schema does not know, or that contradicts it. */
  strayEvent(): void;
}

type ConnectionState = "greeting" | "negotiating" | "ready" | "closed";

/** Where a connection may go from where it is. */
const TRANSITIONS: Readonly<Record<ConnectionState, readonly ConnectionState[]>> = {
  greeting: ["negotiating", "closed"],
  negotiating: ["ready", "closed"],
  ready: ["closed"],
  closed: [],
};

/** Unlike any number that other users of the connection would count from. */
const NEGOTIATION_ID = "rehandle-negotiation";
/** Commands that are sent ahead of their replies; the others wait where an abort can still take them back. */
const WINDOW = 64;
/** QEMU stops reading with 8 commands in its queue, and then would not see one that comes out of band. */
const OOB_WINDOW = 7;
/** With this many bytes not yet taken by the server, nothing more is sent. */
const SEND_BELOW = 256 * 1024;

/** One connection to a server, from its greeting to its end. */
export class QmpConnection {
  readonly #host: ConnectionHost;
  readonly #transport: QmpClientTransport;
  readonly #stream: JsonStream;
  #state: ConnectionState = "greeting";
  /** Sent and not yet answered, the oldest first. */
  readonly #sent = new Map<unknown, Call>();
  #sentInBand = 0;
  #greeting: QmpGreeting | undefined;
  #oob = false;

  constructor(host: ConnectionHost, transport: QmpClientTransport) {
    this.#host = host;
    this.#transport = transport;
    this.#stream = new JsonStream(
      {
        value: (value, bytes) => this.#value(value, bytes),
        error: (message) => this.#fail(message),
      },
      host.limits,
    );
  }

  receive(bytes: Uint8Array): void {
    if (this.#state !== "closed") this.#stream.feed(bytes);
  }

  /** Sends what may be sent. */
  send(): void {
    while (this.#state === "ready" && (this.#transport.pendingBytes?.() ?? 0) < SEND_BELOW) {
      const call = this.#host.calls.take(this.#sentInBand >= (this.#oob ? OOB_WINDOW : WINDOW));
      if (call === undefined) return;
      if (call.outOfBand && !this.#oob) call.reject(new QmpError("Capability oob not available"));
      else this.#sendCall(call);
    }
  }

  /** The connection is gone. */
  closed(cause = ""): void {
    this.#end(new QmpError(`the QMP connection is closed${cause === "" ? "" : `: ${cause}`}`, "ConnectionClosed"));
  }

  /** Closes the connection. */
  end(): void {
    if (this.#state !== "closed") this.#transport.end();
    this.closed();
  }

  #setState(to: ConnectionState): void {
    if (!TRANSITIONS[this.#state].includes(to)) throw new Error(`connection cannot go from ${this.#state} to ${to}`);
    this.#state = to;
  }

  #sendCall(call: Call): void {
    this.#sent.set(call.id, call);
    if (!call.outOfBand) this.#sentInBand++;
    this.#write(call.text);
  }

  /** Without a line's end: QEMU, told to quit, would leave it unread, and then the kernel resets the connection. */
  #write(text: string): void {
    this.#transport.write(asciiBytes(text));
  }

  #value(value: JsonValue, bytes: number): void {
    if (this.#state === "closed") return;
    const message = readMessage(value);
    if (message === undefined) this.#fail("the server does not speak QMP");
    else if (message.kind === "greeting") this.#greet(message.greeting);
    else if (this.#state === "greeting") this.#fail("the server did not greet");
    else if (message.kind === "event") this.#event(message, bytes);
    else if (this.#state === "negotiating") this.#negotiate(message);
    else this.#reply(message);
  }

  #greet(value: unknown): void {
    if (this.#state !== "greeting") return this.#fail("the server greets again");
    this.#greeting = readGreeting(value);
    if (this.#greeting === undefined) return this.#fail("the server's greeting is not that of QMP");
    this.#setState("negotiating");
    this.#oob = this.#host.oob && this.#greeting.capabilities.includes("oob");
    const args = this.#oob ? { enable: ["oob"] } : undefined;
    this.#write(writeJson({ execute: "qmp_capabilities", arguments: args, id: NEGOTIATION_ID }));
  }

  /** Nothing else was sent yet, whatever the reply says it belongs to. */
  #negotiate(message: Extract<QmpMessage, { kind: "return" | "error" }>): void {
    if (message.kind === "error") return this.#end(message.error, true);
    this.#setState("ready");
    if (this.#greeting !== undefined) this.#host.ready(this.#greeting);
    this.send();
  }

  #event({ event, data, timestamp }: Extract<QmpMessage, { kind: "event" }>, bytes: number): void {
    const { schema, hub } = this.#host;
    const read = schema === undefined ? data : readKnownEvent(schema, event, data);
    if (read === undefined) this.#host.strayEvent();
    else hub.emit({ event, data: read, timestamp }, bytes);
  }

  /** A reply without an id is the server's complaint about what it could not parse; it can only be the oldest. */
  #reply(message: Extract<QmpMessage, { kind: "return" | "error" }>): void {
    const id = message.id === undefined ? this.#sent.keys().next().value : message.id;
    const call = this.#sent.get(id);
    if (call === undefined) return;
    this.#sent.delete(id);
    if (!call.outOfBand) this.#sentInBand--;
    if (message.kind === "error") call.reject(message.error);
    else this.#resolve(call, message.value);
    this.send();
  }

  #resolve(call: Call, value: unknown): void {
    const { schema } = this.#host;
    if (schema === undefined) return call.resolve(value);
    try {
      call.resolve(readResult<Schema, string>(schema, call.command, value));
    } catch (error) {
      call.reject(
        isQmpError(error) ? new QmpError(`result of ${call.command}: ${error.desc}`, "ProtocolError") : error,
      );
    }
  }

  /** The peer cannot be understood: there is no way to go on. */
  #fail(desc: string): void {
    if (this.#state !== "closed") this.#end(new QmpError(desc, "ProtocolError"), true);
  }

  #end(error: QmpError, closeTransport = false): void {
    if (this.#state === "closed") return;
    this.#setState("closed");
    if (closeTransport) this.#transport.end();
    for (const call of this.#sent.values()) call.reject(error.class === "ConnectionClosed" ? lost(call, error) : error);
    this.#sent.clear();
    this.#host.ended(error);
  }
}

function lost({ command }: Call, { desc }: QmpError): QmpError {
  return new QmpError(`${desc}; ${command} was sent and may have run`, "ConnectionLost");
}

/** What the schema makes of an event's data; undefined if it does not know it or it contradicts. */
function readKnownEvent(schema: Schema, event: string, data: unknown): unknown {
  if (own(schema.events, event) === undefined) return undefined;
  try {
    return readEventData<Schema, string>(schema, event, data);
  } catch (error) {
    if (isQmpError(error)) return undefined;
    throw error;
  }
}
