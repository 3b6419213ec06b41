import type { Clock } from "@rehandle/driver-sdk";
import { createNbdServer, type NbdServer, type NbdServerEvent } from "@rehandle/nbd";
import { createServer, type Server } from "node:net";
import type { BlockExport, ExportBase } from "./block-export.ts";
import { listenInet } from "./listen-inet.ts";
import type { Log } from "./log.ts";
import { isCongested } from "./node.ts";
import type { Objects } from "./objects.ts";
import type { SocketAddress } from "./option-types.ts";
import type { ExportSettings, NbdServerSettings } from "./option-types.ts";
import { clearSocketPath, listenFailure } from "./socket-path.ts";
import { UsageError } from "./usage-error.ts";

/** What the service works with. */
export interface NbdServiceParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly objects: Objects;
}

/** Clients at a time if `max-connections` does not say. */
const DEFAULT_CONNECTIONS = 1024;

/** How long requests of clients may take when the server is stopped, ms. Those that are held do not come to an end in it. */
const STOP_GRACE = 500;

/** `starting`: not listening yet. `stopping`: clients are being disconnected. `over`: the daemon ends. */
type ServiceState = "off" | "starting" | "running" | "stopping" | "over";

const NEXT_STATES: Readonly<Record<ServiceState, readonly ServiceState[]>> = {
  off: ["starting", "over"],
  starting: ["off", "running", "over"],
  running: ["stopping", "over"],
  stopping: ["off", "over"],
  over: ["over"],
};

/** The one NBD server of a daemon. */
export class NbdService {
  readonly #parts: NbdServiceParts;
  #state: ServiceState = "off";
  #server: NbdServer | null = null;
  /** Listens on an inherited descriptor, which the NBD server cannot do itself. */
  #inherited: Server | null = null;

  constructor(parts: NbdServiceParts) {
    this.#parts = parts;
  }

  /**
   * Starts the server.
   *
   * @throws UsageError (as a rejection) in QEMU's words; nothing is left of it then
   */
  async start(settings: NbdServerSettings): Promise<void> {
    if (this.#state !== "off") throw new UsageError("NBD server already running");
    const { log } = this.#parts;
    const credentials = settings["tls-creds"];
    const server = this.#createServer(settings);
    this.#moveTo("starting");
    const where = await this.#listen(server, settings.addr).catch((error: unknown) => {
      if (this.#is("starting")) this.#moveTo("off");
      throw error;
    });
    this.#server = server;
    if (this.#is("over")) return this.close(0);
    this.#moveTo("running");
    log.write("info", "nbd", `listening on ${where}${credentials === undefined ? "" : ", TLS only"}`);
  }

  /**
   * Stops the server: clients are answered what is on its way and disconnected. What it exports is the caller's to withdraw.
   *
   * @throws UsageError (as a rejection) in QEMU's words
   */
  async stop(withdraw: (graceMs: number) => Promise<void>): Promise<void> {
    if (this.#state !== "running") throw new UsageError("NBD server not running");
    this.#moveTo("stopping");
    await this.#end(STOP_GRACE);
    await withdraw(STOP_GRACE);
    if (!this.#is("stopping")) return;
    this.#server = null;
    this.#moveTo("off");
    this.#parts.log.write("info", "nbd", "stopped");
  }

  /**
   * Offers a node to clients.
   *
   * @throws UsageError in QEMU's words
   */
  offer(settings: Extract<ExportSettings, { type: "nbd" }>, { id, node, view, writable }: ExportBase): BlockExport {
    const server = this.#server;
    if (server === null || this.#state !== "running") throw new UsageError("NBD server not running");
    const { name = node.name, description } = settings;
    checkExport(settings, name, server);
    server.addExport({
      name,
      driver: view,
      writable,
      isCongested: () => isCongested(node),
      ...(description === undefined ? {} : { description }),
    });
    return {
      type: "nbd",
      id,
      node,
      get clients() {
        return server.clientsOf(name);
      },
      resume: () => server.resume(),
      // Clients ask for the size when they connect; the protocol cannot tell them of another.
      onResized: () => undefined,
      close: async (graceMs) => void (await server.removeExport(name, { graceMs })),
    };
  }

  /** Ends it for good, with the clients as {@link stop} does. */
  close(graceMs: number): Promise<void> {
    this.#moveTo("over");
    return this.#end(graceMs);
  }

  /** How many clients are connected. */
  get clients(): number {
    return this.#server?.connectionCount ?? 0;
  }

  #is(state: ServiceState): boolean {
    return this.#state === state;
  }

  #moveTo(state: ServiceState): void {
    if (!NEXT_STATES[this.#state].includes(state))
      throw new Error(`the NBD server cannot go from ${this.#state} to ${state}`);
    this.#state = state;
  }

  #createServer(settings: NbdServerSettings): NbdServer {
    if (settings["tls-authz"] !== undefined) throw new UsageError("tls-authz is not supported");
    const { clock, objects } = this.#parts;
    const credentials = settings["tls-creds"];
    return createNbdServer({
      clock,
      ...(credentials === undefined ? {} : { tls: objects.server(credentials) }),
      limits: { maxConnections: settings["max-connections"] || DEFAULT_CONNECTIONS },
      onEvent: (event) => this.#onEvent(event),
    });
  }

  async #end(graceMs: number): Promise<void> {
    this.#inherited?.close();
    this.#inherited = null;
    await this.#server?.close({ graceMs });
  }

  async #listen(server: NbdServer, address: SocketAddress): Promise<string> {
    if (address.type === "fd") return this.#listenOnDescriptor(server, address.str);
    if (address.type === "unix") {
      const { path } = address;
      await clearSocketPath(path);
      await server.listen({ path }).catch((error: unknown) => {
        throw listenFailure(path, error);
      });
      return path;
    }
    const listeners = await listenInet(address, (endpoint) => server.listen(endpoint));
    return listeners
      .map(({ address: bound }) => ("port" in bound ? `${bound.host} port ${bound.port}` : ""))
      .join(", ");
  }

  #listenOnDescriptor(server: NbdServer, text: string): Promise<string> {
    const fd = /^[0-9]{1,9}$/.test(text) ? Number(text) : -1;
    const listener = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => server.handleConnection(socket));
    this.#inherited = listener;
    return new Promise((resolve, reject) => {
      listener.on("error", () => reject(new UsageError(`File descriptor '${text}' is not a socket`)));
      listener.listen({ fd }, () => resolve(`file descriptor ${fd}`));
    });
  }

  #onEvent(event: NbdServerEvent): void {
    const { log } = this.#parts;
    const clients = `${this.clients} connected`;
    if (event.type === "opened") {
      log.limited("client", "info", "nbd", `client opened export '${event.exportName}', ${clients}`);
    } else if (event.type === "refused") {
      log.limited(
        "refused",
        "warning",
        "nbd",
        `client turned away: ${this.#state === "running" ? "too many" : "shutting down"}`,
      );
    } else if (event.error !== null) {
      const what = event.exportName === null ? "before it opened an export" : `of export '${event.exportName}'`;
      log.limited("client lost", "warning", "nbd", `client lost ${what}: ${event.error.message}, ${clients}`);
    } else if (event.exportName !== null) {
      log.limited("client", "info", "nbd", `client left export '${event.exportName}', ${clients}`);
    }
  }
}

function checkExport(
  { bitmaps = [], description, ...settings }: Extract<ExportSettings, { type: "nbd" }>,
  name: string,
  server: NbdServer,
): void {
  if (Buffer.byteLength(name) > 4096) throw new UsageError(`export name '${name}' too long`);
  if (description !== undefined && Buffer.byteLength(description) > 4096) {
    throw new UsageError(`description '${description}' too long`);
  }
  if (server.exportNames.includes(name)) throw new UsageError(`NBD server already has export named '${name}'`);
  for (const bitmap of bitmaps) {
    throw new UsageError(`Bitmap '${typeof bitmap === "string" ? bitmap : bitmap.name}' is not found`);
  }
  if (settings["allocation-depth"] === true) throw new UsageError("allocation-depth=on is not supported");
}
