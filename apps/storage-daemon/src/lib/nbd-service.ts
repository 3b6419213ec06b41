import type { Clock } from "@rehandle/driver-sdk";
import { createNbdServer, type NbdServer, type NbdServerEvent } from "@rehandle/nbd";
import { createServer, type Server } from "node:net";
import type { BlockExport, ExportBase } from "./block-export.ts";
import type { Log } from "./log.ts";
import { isCongested } from "./node.ts";
import type { SocketAddress } from "./node-types.ts";
import { portOf } from "./open-driver.ts";
import type { ExportSettings, NbdServerSettings } from "./option-table.ts";
import { clearSocketPath, listenFailure } from "./socket-path.ts";
import type { TlsObjects } from "./tls-objects.ts";
import { UsageError } from "./usage-error.ts";

/** What the service works with. */
export interface NbdServiceParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly tls: TlsObjects;
}

/** Clients at a time if `max-connections` does not say. */
const DEFAULT_CONNECTIONS = 1024;

/** The one NBD server of a daemon. */
export class NbdService {
  readonly #parts: NbdServiceParts;
  /** Names of its exports. */
  readonly #names = new Set<string>();
  #server: NbdServer | null = null;
  /** Listens on an inherited descriptor, which the NBD server cannot do itself. */
  #inherited: Server | null = null;
  #closed: Promise<void> | null = null;

  constructor(parts: NbdServiceParts) {
    this.#parts = parts;
  }

  /**
   * Starts the server.
   *
   * @throws UsageError (as a rejection) in QEMU's words
   */
  async start(settings: NbdServerSettings): Promise<void> {
    if (this.#server !== null) throw new UsageError("NBD server already running");
    if (settings["tls-authz"] !== undefined) throw new UsageError("tls-authz is not supported");
    const { clock, tls, log } = this.#parts;
    const credentials = settings["tls-creds"];
    const server = createNbdServer({
      clock,
      ...(credentials === undefined ? {} : { tls: tls.server(credentials) }),
      limits: { maxConnections: settings["max-connections"] || DEFAULT_CONNECTIONS },
      onEvent: (event) => this.#onEvent(event),
    });
    const where = await this.#listen(server, settings.addr);
    this.#server = server;
    if (this.#closed !== null) await server.close({ graceMs: 0 });
    log.write("info", "nbd", `listening on ${where}${credentials === undefined ? "" : ", TLS only"}`);
  }

  /**
   * Offers a node to clients.
   *
   * @throws UsageError in QEMU's words
   */
  offer(settings: Extract<ExportSettings, { type: "nbd" }>, { id, node, view, writable }: ExportBase): BlockExport {
    if (this.#server === null) throw new UsageError("NBD server not running");
    if (settings.bitmap !== undefined) throw new UsageError("bitmap is not supported");
    const { name = node.name, description } = settings;
    if (Buffer.byteLength(name) > 4096) throw new UsageError(`export name '${name}' too long`);
    if (description !== undefined && Buffer.byteLength(description) > 4096) {
      throw new UsageError(`description '${description}' too long`);
    }
    if (this.#names.has(name)) throw new UsageError(`NBD server already has export named '${name}'`);
    this.#server.addExport({
      name,
      driver: view,
      writable,
      isCongested: () => isCongested(node),
      ...(description === undefined ? {} : { description }),
    });
    this.#names.add(name);
    return {
      type: "nbd",
      id,
      node,
      title: name,
      resume: () => this.#server?.resume(),
      // Clients ask for the size when they connect; the protocol cannot tell them of another.
      onResized: () => undefined,
      close: (graceMs) => this.close(graceMs),
    };
  }

  /** Lets no new clients in; those that are there are answered what is on its way, within `graceMs`, and disconnected. */
  close(graceMs: number): Promise<void> {
    this.#closed ??= this.#close(graceMs);
    return this.#closed;
  }

  /** How many clients are connected. */
  get clients(): number {
    return this.#server?.connectionCount ?? 0;
  }

  async #close(graceMs: number): Promise<void> {
    this.#inherited?.close();
    await this.#server?.close({ graceMs });
  }

  async #listen(server: NbdServer, address: SocketAddress): Promise<string> {
    if (address.type === "fd") return this.#listenOnDescriptor(server, address.str);
    if (address.type === "unix") {
      const { path } = address;
      await clearSocketPath(path);
      await listening(server.listen({ path }), { path });
      return path;
    }
    const { host, port } = address;
    const listener = await listening(server.listen({ host, port: portOf(host, port) }), { host, port });
    return "port" in listener.address ? `${listener.address.host} port ${listener.address.port}` : host;
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
        `client turned away: ${this.#closed !== null ? "shutting down" : "too many"}`,
      );
    } else if (event.error !== null) {
      const what = event.exportName === null ? "before it opened an export" : `of export '${event.exportName}'`;
      log.limited("client lost", "warning", "nbd", `client lost ${what}: ${event.error.message}, ${clients}`);
    } else if (event.exportName !== null) {
      log.limited("client", "info", "nbd", `client left export '${event.exportName}', ${clients}`);
    }
  }
}

async function listening<T>(listener: Promise<T>, where: Parameters<typeof listenFailure>[0]): Promise<T> {
  try {
    return await listener;
  } catch (error) {
    throw listenFailure(where, error);
  }
}
