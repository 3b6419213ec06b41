import { BlockError, type Clock, toBlockError } from "@rehandle/driver-sdk";
import { loadSockets, type Sockets } from "@rehandle/linux-sockets";
import { createServer, Socket, type ListenOptions, type Server } from "node:net";
import type { Duplex } from "node:stream";
import { createSecureContext, type TlsOptions } from "node:tls";
import { BufferPool } from "./buffer-pool.ts";
import { Connection, type ConnectionHost } from "./connection.ts";
import { ExportTable } from "./export-table.ts";
import { DEFAULT_LIMITS, type NbdServerLimits } from "./limits.ts";
import type { NbdExport } from "./nbd-export.ts";
import { SlotPool } from "./request-slot.ts";
import { type NbdServerTls, tlsServerOptions } from "./tls.ts";
import type { SharedResources } from "./transmission.ts";

/** Unused request slots that a server keeps. */
const MAX_FREE_SLOTS = 1024;

/**
 * Where to listen: a unix socket, or a TCP port (0: any free one) of a host (default: all addresses). On `::`, IPv4 is taken as
 * well unless `ipv6Only` is true.
 */
export type NbdListenAddress =
  | { readonly path: string }
  | { readonly host?: string; readonly port: number; readonly ipv6Only?: boolean };

/** A socket that a server listens on. */
export interface NbdListener {
  /** What it is bound to; of a port 0, the port that the system chose. */
  readonly address: { readonly path: string } | { readonly host: string; readonly port: number };
  /** Accepts no more connections here. Those that exist live on. */
  close(): Promise<void>;
}

/** What a server tells, unasked. */
export type NbdServerEvent =
  /** A client finished the negotiation and uses an export. */
  | { readonly type: "opened"; readonly exportName: string }
  /** A connection is over. `exportName` is null if it never used one, `error` if the client left in peace. */
  | { readonly type: "closed"; readonly exportName: string | null; readonly error: Error | null }
  /** A connection was closed at once because there are too many. */
  | { readonly type: "refused" };

/** What {@link createNbdServer} is given. */
export interface NbdServerOptions {
  /** The exports to begin with. Default none. */
  readonly exports?: readonly NbdExport[];
  /** The only time that the server uses. */
  readonly clock: Clock;
  /** Default: no TLS. */
  readonly tls?: NbdServerTls;
  /**
   * `auto`: the requests of clients that do not use TLS are read and answered by system calls on their sockets, where the
   * optional package `koffi` and Linux are there; else by Node's streams. `node`: always those. Default `auto`.
   */
  readonly sockets?: "auto" | "node";
  /** Bounds; those that are not given have their defaults. */
  readonly limits?: Partial<NbdServerLimits>;
  /** Hears what happens. Must not throw. */
  readonly onEvent?: (event: NbdServerEvent) => void;
}

/** An NBD server: any number of exports on any number of sockets. */
export interface NbdServer {
  /** The names of the exports, in the order they were added. */
  readonly exportNames: readonly string[];
  /** How many clients are connected. */
  readonly connectionCount: number;
  /** How many of them use the export that has this name now. */
  clientsOf(exportName: string): number;
  /**
   * Offers one more export.
   * @throws BlockError `EEXIST` if its name, or the place of the default, is taken; `EINVAL` if a text is too long.
   */
  addExport(nbdExport: NbdExport): void;
  /**
   * Withdraws an export: it can no longer be opened, and its clients are disconnected as {@link close} does it.
   * Resolves with false if there is none of that name.
   */
  removeExport(name: string, options?: CloseOptions): Promise<boolean>;
  /**
   * Listens on one more socket.
   * @throws BlockError (as a rejection) with the system's errno, such as `EADDRINUSE`.
   */
  listen(address: NbdListenAddress): Promise<NbdListener>;
  /** Reads clients' requests again that waited for an export that was congested: see {@link NbdExport.isCongested}. */
  resume(): void;
  /** Serves a client on a stream that came some other way. The server owns the stream from now on. */
  handleConnection(stream: Duplex): void;
  /**
   * Shuts down: no new connections, options are refused with ERR_SHUTDOWN and requests with ESHUTDOWN, requests in flight
   * are answered, connections closed; those that are not done within `graceMs` are cut. Resolves when all are closed.
   * Drivers are not closed, and may still be at work on requests of connections that were cut.
   */
  close(options?: CloseOptions): Promise<void>;
}

/** How connections are ended. */
export interface CloseOptions {
  /** How long clients' requests may take before the connection is cut, ms. Default 5000. */
  readonly graceMs?: number;
}

/**
 * Makes an NBD server.
 * @throws BlockError as {@link NbdServer.addExport} does; Error of node:tls if keys or certificates are not usable.
 */
export function createNbdServer(options: NbdServerOptions): NbdServer {
  return new SocketServer(options);
}

class SocketServer implements NbdServer {
  readonly #clock: Clock;
  readonly #exports: ExportTable = new ExportTable();
  readonly #host: ConnectionHost;
  readonly #limits: NbdServerLimits;
  readonly #onEvent: (event: NbdServerEvent) => void;
  readonly #connections: Set<Connection> = new Set();
  /** Those that are gone, but of which the storage still has requests. */
  readonly #lingering: Set<Connection> = new Set();
  readonly #listeners: Set<Server> = new Set();
  /** Called whenever a connection is gone. */
  readonly #waiters: Set<() => void> = new Set();
  #closing = false;
  readonly #loading: Promise<unknown>;
  #sockets: Sockets | null = null;

  constructor({ exports = [], clock, tls, limits, onEvent, sockets = "auto" }: NbdServerOptions) {
    this.#clock = clock;
    this.#onEvent = onEvent ?? (() => undefined);
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    for (const nbdExport of exports) this.#exports.add(nbdExport);
    const shared: SharedResources = {
      limits: this.#limits,
      buffers: new BufferPool(this.#limits.maxPooledBytes),
      slots: new SlotPool(MAX_FREE_SLOTS),
    };
    this.#host = {
      clock,
      shared,
      exports: this.#exports,
      tls: tls === undefined ? null : checkedTls(tls),
      sockets: () => this.#sockets,
      onOpened: (connection) => {
        this.#onEvent({ type: "opened", exportName: connection.nbdExport?.name ?? "" });
      },
      onClosed: (connection, error) => this.#closed(connection, error),
      onSettled: (connection) => this.#lingering.delete(connection),
    };
    this.#loading = sockets === "node" ? Promise.resolve() : this.#loadSockets();
  }

  /** Connections that come before it is done stay on Node's streams. */
  async #loadSockets(): Promise<void> {
    this.#sockets = await loadSockets();
  }

  get exportNames(): readonly string[] {
    return this.#exports.list().map(({ name }) => name);
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  clientsOf(exportName: string): number {
    const wanted = this.#exports.get(exportName);
    if (wanted === undefined) return 0;
    let count = 0;
    for (const { nbdExport } of this.#connections) if (nbdExport === wanted) count += 1;
    return count;
  }

  addExport(nbdExport: NbdExport): void {
    this.#exports.add(nbdExport);
  }

  async removeExport(name: string, options: CloseOptions = {}): Promise<boolean> {
    const removed = this.#exports.remove(name);
    if (removed === undefined) return false;
    await this.#endConnections((connection) => connection.nbdExport === removed, options);
    return true;
  }

  async listen(address: NbdListenAddress): Promise<NbdListener> {
    await this.#loading;
    if (this.#closing) throw new BlockError("the NBD server is closed", { code: "ESHUTDOWN" });
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.handleConnection(socket));
    this.#listeners.add(server);
    return await new Promise<NbdListener>((resolve, reject) => {
      server.once("error", (error) => {
        this.#listeners.delete(server);
        reject(toBlockError(error));
      });
      server.listen(address as ListenOptions, () => {
        // Accepting may fail for a moment, such as for want of file descriptors; the others go on.
        server.on("error", () => undefined);
        resolve({ address: boundAddress(server), close: () => this.#closeListener(server) });
      });
    });
  }

  resume(): void {
    for (const connection of this.#connections) connection.resume();
  }

  handleConnection(stream: Duplex): void {
    if (this.#closing || this.#connections.size + this.#lingering.size >= this.#limits.maxConnections) {
      stream.on("error", () => undefined);
      stream.destroy();
      this.#onEvent({ type: "refused" });
      return;
    }
    if (stream instanceof Socket) stream.setNoDelay(true);
    const connection = new Connection(stream, this.#host);
    this.#connections.add(connection);
    connection.start();
  }

  async close(options: CloseOptions = {}): Promise<void> {
    this.#closing = true;
    const listeners = [...this.#listeners].map((server) => this.#closeListener(server));
    await this.#endConnections(() => true, options);
    await Promise.all(listeners);
  }

  #closeListener(server: Server): Promise<void> {
    if (!this.#listeners.delete(server)) return Promise.resolve();
    // Its callback waits for the connections too, so it is not waited for.
    server.close();
    return Promise.resolve();
  }

  async #endConnections(which: (connection: Connection) => boolean, { graceMs = 5000 }: CloseOptions): Promise<void> {
    const doomed = [...this.#connections].filter(which);
    for (const connection of doomed) connection.shutDown();
    const timer = this.#clock.setTimer(graceMs, () => {
      for (const connection of doomed) connection.cut(new Error("the server shut down"));
    });
    while (doomed.some((connection) => this.#connections.has(connection))) {
      await new Promise<void>((resolve) => {
        this.#waiters.add(resolve);
      });
    }
    timer.cancel();
  }

  #closed(connection: Connection, error: Error | null): void {
    this.#connections.delete(connection);
    if (connection.isBusy) this.#lingering.add(connection);
    this.#onEvent({ type: "closed", exportName: connection.nbdExport?.name ?? null, error });
    for (const wake of this.#waiters) wake();
    this.#waiters.clear();
  }
}

/** Bad keys shall be found now, not by the first client. */
function checkedTls(tls: NbdServerTls): TlsOptions {
  const options = tlsServerOptions(tls);
  createSecureContext(options);
  return options;
}

function boundAddress(server: Server): NbdListener["address"] {
  const address = server.address();
  if (typeof address === "string") return { path: address };
  return { host: address?.address ?? "", port: address?.port ?? 0 };
}
