import { Backoff, type QmpBackoffOptions } from "./backoff.ts";
import { Caller, type QmpClientOptions } from "./caller.ts";
import { callListener } from "./event-hub.ts";
import type { QmpCaller } from "./qmp-caller.ts";
import { QmpConnection, type ConnectionHost } from "./qmp-connection.ts";
import { QmpError } from "./qmp-error.ts";
import type { QmpGreeting } from "./qmp-greeting.ts";
import type { QmpTimer, QmpTimers } from "./qmp-timers.ts";
import { listen, streamTransport, type QmpStream, type StreamTransport } from "./qmp-stream.ts";
import type { Schema } from "./schema.ts";

/** What a link is made of. */
export interface QmpLinkOptions<S extends Schema> extends QmpClientOptions<S> {
  /** Begins a connection; the stream may still be connecting. What it throws is a try that failed. */
  readonly connect: () => QmpStream | Promise<QmpStream>;
  /** Times the waits between tries, and a try's own end. */
  readonly clock: QmpTimers;
  /** Numbers in [0, 1), for the jitter. */
  readonly random: () => number;
  /** How long to wait between tries. */
  readonly backoff?: QmpBackoffOptions;
  /** Milliseconds that a try may take, until the negotiation is over. Default 30,000. */
  readonly negotiationMs?: number;
}

/** How a link is. `attempt` counts the tries since the last connection, from 1. */
export type QmpLinkStatus =
  | { readonly state: "connecting"; readonly attempt: number }
  | { readonly state: "connected"; readonly greeting: QmpGreeting }
  | { readonly state: "waiting"; readonly error: QmpError; readonly ms: number }
  | { readonly state: "closed" };

/**
 * A QMP client that connects again whenever its connection is lost, and negotiates again. Listeners and iterators stay and
 * hear the events of the next connection; those of the time between are lost. Commands that were sent fail with
 * `ConnectionLost`: they may have run, and are not sent again. Those that were not sent wait for the next connection.
 */
export interface QmpLink<S extends Schema> extends QmpCaller<S> {
  readonly status: QmpLinkStatus;
  /** Calls `listener` when the status changes; call what is returned to stop it. */
  onStatus(listener: (status: QmpLinkStatus) => void): () => void;
  /** Resolves when there is a connection. @throws QmpError (as a rejection) if the link is closed */
  connected(): Promise<QmpGreeting>;
}

type LinkState = QmpLinkStatus["state"];

/** Where a link may go from where it is. */
const TRANSITIONS: Readonly<Record<LinkState, readonly LinkState[]>> = {
  connecting: ["connected", "waiting", "closed"],
  connected: ["waiting", "closed"],
  waiting: ["connecting", "closed"],
  closed: [],
};

const DEFAULT_NEGOTIATION = 30_000;

/** Makes a link, which begins to connect at once. `S` is the schema that the server speaks. */
export function connectQmp<S extends Schema>(options: QmpLinkOptions<S>): QmpLink<S> {
  return new Link<S>(options);
}

/** One try, and the connection that it becomes. */
interface Attempt {
  transport?: StreamTransport;
  connection?: QmpConnection;
  timer?: QmpTimer;
}

class Link<S extends Schema> extends Caller<S> implements QmpLink<S> {
  readonly #options: QmpLinkOptions<S>;
  readonly #backoff: Backoff;
  readonly #listeners = new Set<(status: QmpLinkStatus) => void>();
  #status: QmpLinkStatus = { state: "connecting", attempt: 1 };
  #attempts = 1;
  #current: Attempt = {};
  #wait: QmpTimer | undefined;

  constructor(options: QmpLinkOptions<S>) {
    super(options);
    this.#options = options;
    this.#backoff = new Backoff(options.backoff ?? {}, options.random);
    this.calls.onCall = () => this.#current.connection?.send();
    void this.#try(this.#current);
  }

  get status(): QmpLinkStatus {
    return this.#status;
  }

  onStatus(listener: (status: QmpLinkStatus) => void): () => void {
    const own = (status: QmpLinkStatus): void => listener(status);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  connected(): Promise<QmpGreeting> {
    return new Promise((resolve, reject) => {
      const look = (status: QmpLinkStatus): void => {
        if (status.state === "connected") resolve(status.greeting);
        else if (status.state === "closed") reject(linkClosed());
        else return;
        stop();
      };
      const stop = this.onStatus(look);
      look(this.#status);
    });
  }

  end(): void {
    if (this.#status.state === "closed") return;
    this.#setStatus({ state: "closed" });
    this.#wait?.cancel();
    this.#current.timer?.cancel();
    this.#current.connection?.end();
    this.calls.close(linkClosed());
    this.hub.end();
  }

  #setStatus(to: QmpLinkStatus): void {
    const from = this.#status.state;
    if (!TRANSITIONS[from].includes(to.state)) throw new Error(`link cannot go from ${from} to ${to.state}`);
    this.#status = to;
    for (const listener of this.#listeners) callListener(listener, to);
  }

  async #try(attempt: Attempt): Promise<void> {
    const { clock, connect, negotiationMs = DEFAULT_NEGOTIATION } = this.#options;
    attempt.timer = clock.setTimer(negotiationMs, () => this.#giveUp(attempt, negotiationMs));
    try {
      const stream = await connect();
      if (this.#current === attempt && this.#status.state === "connecting") this.#open(attempt, stream);
      else streamTransport(stream).destroy();
    } catch (error) {
      this.#lost(attempt, new QmpError(error instanceof Error ? error.message : String(error), "ConnectionClosed"));
    }
  }

  #open(attempt: Attempt, stream: QmpStream): void {
    attempt.transport = streamTransport(stream);
    attempt.connection = new QmpConnection(this.#createHost(attempt), attempt.transport);
    listen(stream, {
      receive: (bytes) => attempt.connection?.receive(bytes),
      drained: () => attempt.connection?.send(),
      closed: (cause) => attempt.connection?.closed(cause),
    });
  }

  #createHost(attempt: Attempt): ConnectionHost {
    const { oob = false, schema, limits = {} } = this.#options;
    return {
      calls: this.calls,
      hub: this.hub,
      oob,
      schema,
      limits,
      ready: (greeting) => {
        attempt.timer?.cancel();
        this.#attempts = 0;
        this.#backoff.reset();
        if (this.#current === attempt) this.#setStatus({ state: "connected", greeting });
      },
      ended: (error) => {
        // A link that its owner ended has its last words sent.
        if (this.#status.state !== "closed") attempt.transport?.destroy();
        this.#lost(attempt, error);
      },
      strayEvent: () => this.countStrayEvent(),
    };
  }

  #giveUp(attempt: Attempt, ms: number): void {
    const cause = `no negotiation within ${ms} ms`;
    if (attempt.connection === undefined) this.#lost(attempt, new QmpError(cause, "ConnectionClosed"));
    else attempt.connection.closed(cause);
  }

  #lost(attempt: Attempt, error: QmpError): void {
    attempt.timer?.cancel();
    if (this.#current !== attempt || this.#status.state === "closed") return;
    this.#current = {};
    const ms = this.#backoff.next();
    this.#wait = this.#options.clock.setTimer(ms, () => this.#again());
    this.#setStatus({ state: "waiting", error, ms });
  }

  #again(): void {
    this.#current = {};
    this.#setStatus({ state: "connecting", attempt: ++this.#attempts });
    void this.#try(this.#current);
  }
}

function linkClosed(): QmpError {
  return new QmpError("the QMP link is closed", "ConnectionClosed");
}
