import type { JsonLimits } from "@rehandle/json";
import { checkArguments } from "./check-arguments.ts";
import { EventLimiter, type QmpEventLimit } from "./event-limiter.ts";
import { encodeMessage, MonitorSession, type SessionHost } from "./qmp-session.ts";
import type { SchemaInfo } from "./generated/types.ts";
import { pruneIntrospection } from "./prune-introspection.ts";
import type { QmpTimers } from "./qmp-timers.ts";
import type { QmpTransport } from "./qmp-transport.ts";
import { own, type Schema } from "./schema.ts";
import type { ArgumentsOf, CommandName, EventDataOf, EventName, ResultOf } from "./schema-types.ts";

/** The part of a clock that a monitor needs; the clocks of `@rehandle/driver-sdk` are such. */
export interface QmpClock {
  /** Milliseconds since 1970-01-01T00:00Z, with fractions; NaN if it cannot be told. */
  realtime(): number;
  /** Waits for the limit of how often an event is sent. Default: no event is limited. */
  setTimer?: QmpTimers["setTimer"];
}

/** What `query-version` and the greeting say. */
export interface QmpVersion {
  readonly major: number;
  readonly minor: number;
  readonly micro: number;
  /** A vendor's name for it. Default: `""`. */
  readonly package?: string;
}

/** The commands that the server answers by itself. */
export type BuiltinCommand = "qmp_capabilities" | "query-version" | "query-commands" | "query-qmp-schema";

/**
 * What runs the commands. A command without a handler does not exist for the clients. A handler throws a `QmpError`; the
 * message of any other error is sent as a `GenericError`. While a handler's promise is pending, later commands of the same
 * monitor wait; other monitors do not.
 */
export type QmpHandlers<S extends Schema> = {
  readonly [N in Exclude<CommandName<S>, BuiltinCommand>]?: (
    args: ArgumentsOf<S, N>,
  ) => ResultOf<S, N> | void | Promise<ResultOf<S, N> | void>;
};

/** What a server is made of. */
export interface QmpServerOptions<S extends Schema> {
  /** What is spoken: arguments are checked against it before a handler sees them. */
  readonly schema: S;
  /** The handlers by the commands' names; a command without one does not exist for the clients. */
  readonly commands: QmpHandlers<S>;
  /** For the greeting and `query-version`. */
  readonly version: QmpVersion;
  /** What the generator made of the schema; without it there is no `query-qmp-schema`. Commands without a handler are left out. */
  readonly introspection?: readonly SchemaInfo[];
  /** Stamps the events, and times those that are limited; if it has no timers, none is. */
  readonly clock: QmpClock;
  /** Events that may not be sent as often as they come, besides those that QEMU limits. */
  readonly eventLimits?: { readonly [N in EventName<S>]?: QmpEventLimit };
  /** A monitor that has let this many bytes pile up is dropped. Default 1 MiB, at least 512 KiB. */
  readonly maxPendingBytes?: number;
  /**
   * Bounds of one message of a client. It can come back with every byte sixfold, and nothing else runs meanwhile. Default:
   * QEMU's, which are 64 MiB of text.
   */
  readonly limits?: Partial<JsonLimits>;
}

/** One monitor, seen from its transport. */
export interface QmpSession {
  /** Takes bytes that the peer sent; any number of commands, or a part of one. */
  receive(bytes: Uint8Array): void;
  /** Says that the peer has taken all that was written: a socket's `drain`. */
  drained(): void;
  /** Says that the peer sends nothing more: what it sent is answered, then the transport is told to end. */
  inputEnded(): void;
  /** Says that the peer is gone. Harmless if the session has ended already. */
  closed(): void;
}

/** Any number of monitors over one set of commands. */
export interface QmpServer<S extends Schema> {
  /** Takes a new connection and greets it. */
  attach(transport: QmpTransport): QmpSession;
  /** Sends an event to every monitor that has finished its negotiation. Never waits and never throws. */
  emit<N extends EventName<S>>(event: N, data: EventDataOf<S, N>): void;
  /** Monitors that are connected. */
  readonly sessions: number;
  /** Sends what waits and closes all connections. */
  close(): void;
}

const DEFAULT_PENDING = 1024 * 1024;
const LEAST_PENDING = 512 * 1024;

/** Makes a QMP server over any transport; `attach` it to every connection. */
export function createQmpServer<const S extends Schema>(options: QmpServerOptions<S>): QmpServer<S> {
  return new Server(options);
}

class Server<S extends Schema> implements QmpServer<S> {
  readonly #options: QmpServerOptions<S>;
  readonly #sessions = new Set<MonitorSession>();
  readonly #handlers = new Map<string, (args: never) => unknown>();
  readonly #host: SessionHost;
  readonly #limiter: EventLimiter<unknown> | undefined;

  constructor(options: QmpServerOptions<S>) {
    this.#options = options;
    this.#addBuiltins();
    for (const [name, handler] of Object.entries<unknown>(options.commands)) {
      if (typeof handler === "function") this.#handlers.set(name, handler as (args: never) => unknown);
    }
    this.#host = this.#createHost();
    const { setTimer } = options.clock;
    if (setTimer === undefined) return;
    const timers = { setTimer: setTimer.bind(options.clock) };
    const limits = { ...options.eventLimits } as Readonly<Record<string, QmpEventLimit>>;
    this.#limiter = new EventLimiter<unknown>(limits, timers, (message) => this.#broadcast(message));
  }

  get sessions(): number {
    return this.#sessions.size;
  }

  attach(transport: QmpTransport): QmpSession {
    const greeting = { QMP: { version: this.#version(), capabilities: this.#host.capabilities } };
    const session = new MonitorSession(this.#host, transport);
    this.#sessions.add(session);
    session.send(encodeMessage(greeting));
    return session;
  }

  emit<N extends EventName<S>>(event: N, data: EventDataOf<S, N>): void {
    const type = own(this.#options.schema.events, event);
    const hasData = type?.data !== undefined || type?.boxed !== undefined;
    const message = { event, data: hasData ? data : undefined, timestamp: this.#timestamp() };
    if (this.#limiter === undefined) this.#broadcast(message);
    else this.#limiter.offer(event, data, message);
  }

  close(): void {
    this.#limiter?.close();
    for (const session of this.#sessions) session.end();
  }

  #broadcast(message: unknown): void {
    const ready = [...this.#sessions].filter(({ isReady }) => isReady);
    if (ready.length === 0) return;
    const bytes = encodeMessage(message);
    for (const session of ready) session.send(bytes);
  }

  #addBuiltins(): void {
    this.#handlers.set("qmp_capabilities", () => undefined);
    this.#handlers.set("query-version", () => this.#version());
    this.#handlers.set("query-commands", () => [...this.#handlers.keys()].map((name) => ({ name })));
    const { introspection } = this.#options;
    if (introspection === undefined) return;
    this.#handlers.set("query-qmp-schema", () => pruneIntrospection(introspection, (name) => this.#handlers.has(name)));
  }

  #createHost(): SessionHost {
    const { schema, maxPendingBytes = DEFAULT_PENDING, limits = {} } = this.#options;
    const allowsOob = (name: string): boolean => own(schema.commands, name)?.["allow-oob"] === true;
    return {
      capabilities: [...this.#handlers.keys()].some(allowsOob) ? ["oob"] : [],
      maxPendingBytes: Math.max(LEAST_PENDING, maxPendingBytes),
      limits,
      hasCommand: (name) => this.#handlers.has(name),
      allowsOob,
      checkCapabilities: (args) => {
        const checked: { enable?: readonly string[] } = checkArguments(CAPABILITIES, "qmp_capabilities", args);
        return checked.enable ?? [];
      },
      run: (command, args) => {
        const checked = checkArguments<Schema, string>(schema, command, args);
        return this.#handlers.get(command)?.(checked as never);
      },
      ended: (session) => this.#sessions.delete(session),
    };
  }

  #version(): unknown {
    const { major, minor, micro, package: vendor = "" } = this.#options.version;
    return { qemu: { micro, minor, major }, package: vendor };
  }

  #timestamp(): unknown {
    const ms = this.#options.clock.realtime();
    if (!Number.isFinite(ms)) return { seconds: -1, microseconds: -1 };
    const seconds = Math.floor(ms / 1000);
    return { seconds, microseconds: Math.floor((ms - seconds * 1000) * 1000) };
  }
}

/** The one command that every schema has. */
const CAPABILITIES = {
  types: { QMPCapability: { enum: ["oob"] } },
  commands: { qmp_capabilities: { data: { "*enable": ["QMPCapability"] } } },
  events: {},
} as const;
