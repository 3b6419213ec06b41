import type { JsonObject } from "@rehandle/json";
import { createQmpClient, isQmpError, type QmpGreeting } from "@rehandle/qapi";
import { addressText, type Address } from "./address.ts";
import { openStream, type ByteStream } from "./byte-stream.ts";
import type { AnySchema, PeerClient, PeerEvent } from "./peer-client.ts";
import type { PeerSchema } from "./peer-schema.ts";
import { readCommandNames, readIntrospection } from "./read-introspection.ts";
import { ConnectionError, UsageError } from "./usage-error.ts";

/** What a {@link Peer} tells of by itself. */
export interface PeerListener {
  /** An event came. It may take its time: what waits meanwhile is bounded, and the oldest are let go. */
  readonly event: (event: PeerEvent) => Promise<void> | void;
  /** A connection that was ready is gone. */
  readonly lost: (reason: string) => void;
  /** Something for the user to know. */
  readonly notice: (text: string) => void;
}

/** How a command is run. */
export interface RunOptions {
  /** It overtakes commands that wait. */
  readonly oob: boolean;
  /** Gives up waiting for the reply. */
  readonly signal?: AbortSignal;
}

/** A connection that is ready. */
interface Connection {
  readonly client: PeerClient;
  readonly greeting: QmpGreeting;
  schema: Promise<PeerSchema> | undefined;
}

/** How long a peer may take to greet until the user hears of it, ms. */
const SLOW_GREETING = 2000;

const NOTHING_KNOWN: PeerSchema = { commands: new Map(), events: new Map(), types: new Map() };

/** Somebody who speaks QMP, over one connection after another. */
export class Peer {
  readonly #address: Address;
  readonly #listener: PeerListener;
  #connection: Connection | undefined;
  #stream: ByteStream | undefined;

  constructor(address: Address, listener: PeerListener) {
    this.#address = address;
    this.#listener = listener;
  }

  get isConnected(): boolean {
    return this.#connection !== undefined;
  }

  /** What the peer said of itself. */
  get greeting(): QmpGreeting | undefined {
    return this.#connection?.greeting;
  }

  /** Connects and negotiates; an earlier connection is closed. @throws ConnectionError (as a rejection) */
  async connect(): Promise<void> {
    this.close();
    let client: PeerClient | undefined;
    let reason: string | undefined;
    const stream = await openStream(this.#address, {
      data: (bytes) => client?.receive(bytes),
      closed: (why) => {
        reason = why;
        client?.closed();
        if (client !== undefined) this.#lost(client, why);
      },
      complaint: (line) => this.#listener.notice(line),
    });
    client = createQmpClient<AnySchema>(stream);
    this.#stream = stream;
    const greeting = await this.#negotiated(client, () => reason);
    this.#connection = { client, greeting, schema: undefined };
    void this.#hear(client);
  }

  /** Runs a command. @throws QmpError of the peer's; ConnectionError; the signal's reason */
  async execute(command: string, args: JsonObject, { oob, signal }: RunOptions): Promise<unknown> {
    const { client } = this.#ready();
    if (oob) throw new UsageError("exec-oob is not there yet");
    const reply = client.execute(command, args);
    const value = await (signal === undefined ? reply : Promise.race([reply, rejectAtAbort(signal)]));
    // Events that came before the reply are shown before it.
    await new Promise((resolve) => void setImmediate(resolve));
    return value;
  }

  /** What the peer can do, asked once for each connection; knows nothing if the peer does not tell. */
  schema(): Promise<PeerSchema> {
    const connection = this.#connection;
    if (connection === undefined) return Promise.resolve(NOTHING_KNOWN);
    connection.schema ??= readSchema(connection.client);
    return connection.schema;
  }

  /** Closes the connection, and ends a program that was started for it. */
  close(): void {
    this.#connection = undefined;
    this.#stream?.end();
    this.#stream = undefined;
  }

  #ready(): Connection {
    if (this.#connection === undefined) throw new ConnectionError(`not connected to ${addressText(this.#address)}`);
    return this.#connection;
  }

  async #negotiated(client: PeerClient, reason: () => string | undefined): Promise<QmpGreeting> {
    const slow = setTimeout(() => {
      this.#listener.notice("waiting for a greeting; a monitor of QEMU's serves one client at a time");
    }, SLOW_GREETING);
    try {
      return await client.ready;
    } catch (error) {
      this.close();
      const why = isQmpError(error) && error.class === "ConnectionClosed" ? reason() : undefined;
      const said = why ?? (error instanceof Error ? error.message : String(error));
      throw new ConnectionError(`${addressText(this.#address)}: ${said}`, { cause: error });
    } finally {
      clearTimeout(slow);
    }
  }

  #lost(client: PeerClient, reason: string | undefined): void {
    if (this.#connection?.client !== client) return;
    this.close();
    this.#listener.lost(reason ?? "the peer closed it");
  }

  async #hear(client: PeerClient): Promise<void> {
    const events = client.events();
    let known = 0;
    for await (const event of events) {
      await this.#listener.event(event);
      if (events.dropped > known) this.#listener.notice(`${events.dropped - known} events were let go`);
      known = events.dropped;
    }
  }
}

async function readSchema(client: PeerClient): Promise<PeerSchema> {
  try {
    return readIntrospection(await client.execute("query-qmp-schema"));
  } catch {
    const names = await client.execute("query-commands").catch(() => []);
    return readCommandNames(names);
  }
}

function rejectAtAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  });
}
