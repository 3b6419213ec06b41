import { Caller, type QmpClientOptions } from "./caller.ts";
import type { QmpCaller } from "./qmp-caller.ts";
import { QmpConnection, type QmpClientTransport } from "./qmp-connection.ts";
import type { QmpError } from "./qmp-error.ts";
import type { QmpGreeting } from "./qmp-greeting.ts";
import type { Schema } from "./schema.ts";

/** A QMP client over one connection. */
export interface QmpClient<S extends Schema> extends QmpCaller<S> {
  /** Resolved when the negotiation is over; commands may be given before. Rejected with a QmpError if it fails. */
  readonly ready: Promise<QmpGreeting>;
  /** Takes bytes that the server sent. */
  receive(bytes: Uint8Array): void;
  /** Says that the server has taken all that was written: a socket's `drain`. Needed if the transport has `pendingBytes`. */
  drained(): void;
  /** Says that the connection is gone, and perhaps why: what waits fails with `ConnectionClosed` or `ConnectionLost`. */
  closed(cause?: string): void;
}

/** Makes a client and negotiates as soon as the server greets. `S` is the schema that the server speaks. */
export function createQmpClient<S extends Schema>(
  transport: QmpClientTransport,
  options: QmpClientOptions<S> = {},
): QmpClient<S> {
  return new Client<S>(transport, options);
}

class Client<S extends Schema> extends Caller<S> implements QmpClient<S> {
  readonly ready: Promise<QmpGreeting>;
  readonly #connection: QmpConnection;

  constructor(transport: QmpClientTransport, options: QmpClientOptions<S>) {
    super(options);
    const { oob = false, schema, limits = {} } = options;
    const { calls, hub } = this;
    let settle = { ready: (_greeting: QmpGreeting): void => {}, ended: (_error: QmpError): void => {} };
    this.ready = new Promise((resolve, reject) => (settle = { ready: resolve, ended: reject }));
    // Whoever awaits it gets the error; a client whose owner does not care must not end the process.
    this.ready.catch(() => {});
    const ended = (error: QmpError): void => {
      settle.ended(error);
      calls.close(error);
      hub.end();
    };
    const strayEvent = (): void => this.countStrayEvent();
    const host = { calls, hub, oob, schema, limits, ready: settle.ready, ended, strayEvent };
    this.#connection = new QmpConnection(host, transport);
    calls.onCall = () => this.#connection.send();
  }

  receive(bytes: Uint8Array): void {
    this.#connection.receive(bytes);
  }

  drained(): void {
    this.#connection.send();
  }

  closed(cause?: string): void {
    this.#connection.closed(cause);
  }

  end(): void {
    this.#connection.end();
  }
}
