import { JsonStream, type JsonValue, writeJson } from "@rehandle/json";
import { EventQueue } from "./event-queue.ts";
import { QmpError } from "./qmp-error.ts";
import { readMessage, type QmpMessage } from "./qmp-message.ts";
import { asciiBytes } from "./qmp-transport.ts";
import type { Schema } from "./schema.ts";
import type { ArgumentsOf, CommandName, EventDataOf, EventName, ResultOf } from "./schema-types.ts";

/** How a client's bytes get to the server. */
export interface QmpClientTransport {
  /** Queues bytes. */
  write(bytes: Uint8Array): void;
  /** Closes once all that was written is sent. */
  end(): void;
}

/** What a server says of itself. */
export interface QmpGreeting {
  readonly version: {
    readonly qemu: { readonly major: number; readonly minor: number; readonly micro: number };
    readonly package: string;
  };
  readonly capabilities: readonly string[];
}

/** An event; `event` tells which, and so what `data` is. */
export type QmpEvent<S extends Schema> = {
  [N in EventName<S>]: {
    readonly event: N;
    readonly data: EventDataOf<S, N>;
    readonly timestamp: { readonly seconds: number; readonly microseconds: number };
  };
}[EventName<S>];

/** The events of one name. */
export type QmpEventOf<S extends Schema, N extends EventName<S>> = Extract<QmpEvent<S>, { event: N }>;

/** A command's arguments, which may be left out if none is mandatory. */
type ArgumentList<A> = string extends keyof A ? [args?: A] : Partial<A> extends A ? [args?: A] : [args: A];

/** A QMP client. */
export interface QmpClient<S extends Schema> {
  /** Resolved when the negotiation is over; commands may be given before. Rejected with a QmpError if it fails. */
  readonly ready: Promise<QmpGreeting>;
  /** Runs a command. @throws QmpError of the server's, or of class `ConnectionClosed` or `ProtocolError` */
  execute<N extends CommandName<S>>(command: N, ...args: ArgumentList<ArgumentsOf<S, N>>): Promise<ResultOf<S, N>>;
  /** Calls `listener` for each event of that name; call what is returned to stop it. */
  on<N extends EventName<S>>(event: N, listener: (event: QmpEventOf<S, N>) => void): () => void;
  /**
   * All events from now on, until the connection or the loop ends. At most `limit` (default 1000) wait to be taken; then
   * the oldest are let go and counted in `dropped`.
   */
  events(limit?: number): AsyncIterableIterator<QmpEvent<S>> & { readonly dropped: number };
  /** Takes bytes that the server sent. */
  receive(bytes: Uint8Array): void;
  /** Says that the connection is gone: what waits fails with `ConnectionClosed`. */
  closed(): void;
  /** Closes the connection. */
  end(): void;
}

const DEFAULT_LIMIT = 1000;
/** Unlike any number that other users of the connection would count from. */
const NEGOTIATION_ID = "rehandle-negotiation";

/** Makes a client and negotiates as soon as the server greets. `S` is the schema that the server speaks. */
export function createQmpClient<S extends Schema>(transport: QmpClientTransport): QmpClient<S> {
  return new Client<S>(transport);
}

interface Pending {
  resolve(value: unknown): void;
  reject(error: QmpError): void;
}

type Listener = (event: never) => void;

class Client<S extends Schema> implements QmpClient<S> {
  readonly ready: Promise<QmpGreeting>;
  readonly #transport: QmpClientTransport;
  readonly #stream: JsonStream;
  readonly #pending = new Map<unknown, Pending>();
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #queues = new Set<EventQueue<QmpEvent<S>>>();
  /** Commands that were given before the negotiation was over; undefined after it. */
  #early: string[] | undefined = [];
  #isClosed = false;
  #lastId = 0;
  #greeting: unknown;
  #settleReady: Pending = { resolve: () => {}, reject: () => {} };

  constructor(transport: QmpClientTransport) {
    this.#transport = transport;
    this.ready = new Promise<QmpGreeting>((resolve, reject) => {
      this.#settleReady = { resolve: (value) => resolve(value as QmpGreeting), reject };
    });
    // Whoever awaits it gets the error; a client whose owner does not care must not end the process.
    this.ready.catch(() => {});
    this.#stream = new JsonStream({
      value: (value) => this.#value(value),
      error: (message) => this.#fail(new QmpError(message, "ProtocolError")),
    });
  }

  execute<N extends CommandName<S>>(command: N, ...args: ArgumentList<ArgumentsOf<S, N>>): Promise<ResultOf<S, N>> {
    if (this.#isClosed) return Promise.reject(connectionClosed());
    const id = ++this.#lastId;
    const text = writeJson({ execute: command, arguments: args[0], id });
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve: (value) => resolve(value as ResultOf<S, N>), reject });
      if (this.#early === undefined) this.#send(text);
      else this.#early.push(text);
    });
  }

  on<N extends EventName<S>>(event: N, listener: (event: QmpEventOf<S, N>) => void): () => void {
    const listeners = this.#listeners.get(event) ?? new Set<Listener>();
    this.#listeners.set(event, listeners);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  events(limit: number = DEFAULT_LIMIT): EventQueue<QmpEvent<S>> {
    const queue: EventQueue<QmpEvent<S>> = new EventQueue(limit, () => this.#queues.delete(queue));
    if (this.#isClosed) queue.end();
    else this.#queues.add(queue);
    return queue;
  }

  receive(bytes: Uint8Array): void {
    if (!this.#isClosed) this.#stream.feed(bytes);
  }

  closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#rejectAll(connectionClosed());
    for (const queue of this.#queues) queue.end();
  }

  end(): void {
    if (!this.#isClosed) this.#transport.end();
    this.closed();
  }

  #send(text: string): void {
    this.#transport.write(asciiBytes(`${text}\r\n`));
  }

  #value(value: JsonValue): void {
    if (this.#isClosed) return;
    const message = readMessage(value);
    if (message === undefined) this.#fail(new QmpError("the server does not speak QMP", "ProtocolError"));
    else if (message.kind === "greeting") this.#greet(message.greeting);
    else if (message.kind === "event") this.#event(message);
    else this.#reply(message);
  }

  #greet(greeting: unknown): void {
    this.#greeting = greeting;
    this.#pending.set(NEGOTIATION_ID, {
      resolve: () => this.#negotiated(),
      reject: (error) => this.#fail(error),
    });
    this.#send(writeJson({ execute: "qmp_capabilities", id: NEGOTIATION_ID }));
  }

  #negotiated(): void {
    this.#settleReady.resolve(this.#greeting);
    for (const text of this.#early ?? []) this.#send(text);
    this.#early = undefined;
  }

  #event({ event, data, timestamp }: Extract<QmpMessage, { kind: "event" }>): void {
    const message = { event, data, timestamp } as unknown as QmpEvent<S>;
    for (const queue of this.#queues) queue.push(message);
    for (const listener of this.#listeners.get(event) ?? []) listener(message as never);
  }

  /** A reply without an id is the server's complaint about what it could not parse; it can only be the oldest. */
  #reply(message: Extract<QmpMessage, { kind: "return" | "error" }>): void {
    const id = message.id === undefined ? this.#pending.keys().next().value : message.id;
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (message.kind === "error") pending?.reject(message.error);
    else pending?.resolve(message.value);
  }

  /** The peer cannot be understood: there is no way to go on. */
  #fail(error: QmpError): void {
    if (this.#isClosed) return;
    this.#rejectAll(error);
    this.end();
  }

  #rejectAll(error: QmpError): void {
    this.#settleReady.reject(error);
    for (const pending of this.#pending.values()) pending.reject(error);
    this.#pending.clear();
  }
}

function connectionClosed(): QmpError {
  return new QmpError("the QMP connection is closed", "ConnectionClosed");
}
