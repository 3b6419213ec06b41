import type { JsonObject } from "@rehandle/json";
import { isQmpError, openQmpClient, type QmpGreeting } from "@rehandle/qapi";
import { addressText, type Address } from "./address.ts";
import { openStream, type OpenStream } from "./byte-stream.ts";
import type { AnySchema, PeerClient, PeerEvent } from "./peer-client.ts";
import type { PeerSchema } from "./peer-schema.ts";
import { readCommandNames, readIntrospection } from "./read-introspection.ts";
import { ConnectionError } from "./usage-error.ts";

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
  readonly signal: AbortSignal | undefined;
}

/** A connection that is ready. */
interface Connection {
  readonly client: PeerClient;
  readonly greeting: QmpGreeting;
  schema: Promise<PeerSchema> | undefined;
}

/** How long a peer may take to greet until the user hears of it, ms. */
const SLOW_GREETING = 2000;

/** How long to wait for the exit code of a program that closed its output, ms. */
const EXIT_CODE_WAIT = 100;

const NOTHING_KNOWN: PeerSchema = { commands: new Map(), events: new Map(), types: new Map() };

/** Somebody who speaks QMP, over one connection after another. */
export class Peer {
  readonly #address: Address;
  readonly #listener: PeerListener;
  #connection: Connection | undefined;
  #stream: OpenStream | undefined;
  /** Counts the tries to connect: a later one takes the place of an earlier one. */
  #tries = 0;

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

  /** Connects and negotiates; an earlier connection or try is closed. @throws ConnectionError (as a rejection) */
  async connect(): Promise<void> {
    this.close();
    const own = this.#tries;
    const stream = await openStream(this.#address, (line) => this.#listener.notice(line));
    if (own !== this.#tries) {
      stream.close();
      throw superseded();
    }
    this.#stream = stream;
    const client: PeerClient = openQmpClient<AnySchema>(stream.stream, { oob: true });
    try {
      const greeting = await this.#greeted(client);
      this.#connection = { client, greeting, schema: undefined };
    } catch (error) {
      if (own !== this.#tries) throw superseded();
      throw await this.#failed(stream, error);
    }
    void this.#hear(client, stream);
  }

  /** Runs a command. @throws QmpError of the peer's; ConnectionError; the signal's reason */
  async execute(command: string, args: JsonObject, { oob, signal }: RunOptions): Promise<unknown> {
    const { client } = this.#ready();
    const options = signal === undefined ? {} : { signal };
    const value = await (oob ? client.executeOob(command, args, options) : client.execute(command, args, options));
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
    this.#tries++;
    this.#connection?.client.end();
    this.#connection = undefined;
    this.#stream?.close();
    this.#stream = undefined;
  }

  #ready(): Connection {
    if (this.#connection === undefined) throw new ConnectionError(`not connected to ${addressText(this.#address)}`);
    return this.#connection;
  }

  async #greeted(client: PeerClient): Promise<QmpGreeting> {
    const slow = setTimeout(() => {
      this.#listener.notice("waiting for a greeting; a monitor of QEMU's serves one client at a time");
    }, SLOW_GREETING);
    try {
      return await client.ready;
    } finally {
      clearTimeout(slow);
    }
  }

  /** Why there was no greeting: what became of the stream, or what is wrong with what came over it. */
  async #failed(stream: OpenStream, error: unknown): Promise<ConnectionError> {
    const reason = isQmpError(error) && error.class === "ConnectionClosed" ? await reasonOf(stream) : undefined;
    this.close();
    const said = reason ?? (error instanceof Error ? error.message : String(error));
    return new ConnectionError(`${addressText(this.#address)}: ${said}`, { cause: error });
  }

  /** Shows events until the connection is over. */
  async #hear(client: PeerClient, stream: OpenStream): Promise<void> {
    const events = client.events();
    let known = 0;
    for await (const event of events) {
      await this.#listener.event(event);
      if (events.dropped > known) this.#listener.notice(`${events.dropped - known} events were let go`);
      known = events.dropped;
    }
    if (this.#connection?.client !== client) return;
    const reason = (await protocolError(client)) ?? (await reasonOf(stream));
    if (this.#connection?.client !== client) return;
    this.close();
    this.#listener.lost(reason ?? "the peer closed it");
  }
}

function superseded(): ConnectionError {
  return new ConnectionError("given up for another try");
}

/** What was wrong with what the peer sent, if that ended the client: whatever it is asked then fails with it. */
async function protocolError(client: PeerClient): Promise<string | undefined> {
  const error = await client.execute("query-version", {}).catch((error: unknown) => error);
  return isQmpError(error) && error.class === "ProtocolError" ? error.message : undefined;
}

/** Why a stream is over. A program's exit code comes a little later than the end of its output. */
async function reasonOf(stream: OpenStream): Promise<string | undefined> {
  if (stream.reason === undefined) await new Promise((resolve) => void setTimeout(resolve, EXIT_CODE_WAIT));
  return stream.reason;
}

async function readSchema(client: PeerClient): Promise<PeerSchema> {
  try {
    return readIntrospection(await client.execute("query-qmp-schema", {}));
  } catch {
    const names = await client.execute("query-commands", {}).catch(() => []);
    return readCommandNames(names);
  }
}
