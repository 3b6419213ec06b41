import { tcpConnectOptions } from "@rehandle/driver-nbd";
import { once } from "node:events";
import { createConnection, createServer, Socket, type ListenOptions, type NetConnectOpts, type Server } from "node:net";
import type { Duplex, Readable, Writable } from "node:stream";
import type { ChardevAddress, ChardevOptions } from "./chardev-options.ts";
import { familyOf, portOf } from "./inet-address.ts";
import { listenInet } from "./listen-inet.ts";
import { clearSocketPath, connectFailure, listenFailure } from "./socket-path.ts";
import { UsageError } from "./usage-error.ts";

/** Both ways of a connection. */
export interface Connection {
  readonly input: Readable;
  readonly output: Writable;
}

/** Connections that wait for somebody to take them; more are closed. */
const MAX_WAITING = 16;

/** Standard input and output, of the process or of a test. */
export interface Stdio {
  readonly stdin: Readable;
  readonly stdout: Writable;
}

/** A character device: where connections of a monitor come from. Any number of them, unlike QEMU's one at a time. */
export class Chardev {
  readonly id: string;
  #consumer: ((connection: Connection) => void) | null = null;
  #waiting: Connection[] = [];
  #onFirst: (() => void) | null = null;
  #servers: Server[] = [];
  #sockets = new Set<Socket>();
  #isClosed = false;

  constructor(id: string) {
    this.id = id;
  }

  /** Somebody takes the connections. */
  get isInUse(): boolean {
    return this.#consumer !== null;
  }

  /**
   * Binds or connects.
   *
   * @throws UsageError (as a rejection) in QEMU's words
   */
  async open(options: ChardevOptions, stdio: Stdio): Promise<void> {
    if (options.backend === "null") return;
    if (options.backend === "stdio") {
      this.#connected({ input: stdio.stdin, output: stdio.stdout });
    } else if (options.isServer) {
      await this.#listen(options.address);
    } else {
      await this.#connect(options.address);
    }
  }

  /** Resolves when the first connection has come, or none will come. */
  firstConnection(): Promise<void> {
    if (this.#waiting.length > 0 || this.#isClosed) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onFirst = resolve;
    });
  }

  /** From now on hands every connection to `consumer`, those that wait first. */
  consume(consumer: (connection: Connection) => void): void {
    this.#consumer = consumer;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const connection of waiting) consumer(connection);
  }

  /** What clients connect to, in QEMU's words. */
  get listensOn(): string {
    const address = this.#servers[0]?.address() ?? null;
    if (address === null) return "fd";
    return typeof address === "string" ? `unix:${address}` : `tcp:${address.address}:${address.port}`;
  }

  /** Accepts nothing more. */
  closeListener(): void {
    for (const server of this.#servers.splice(0)) server.close();
  }

  /** Cuts what is left. */
  close(): void {
    this.#isClosed = true;
    this.closeListener();
    this.#onFirst?.();
    for (const socket of this.#sockets) socket.destroy();
  }

  #connected(connection: Connection): void {
    if (this.#consumer !== null) this.#consumer(connection);
    else if (this.#waiting.length < MAX_WAITING) this.#waiting.push(connection);
    else connection.output.destroy();
    this.#onFirst?.();
    this.#onFirst = null;
  }

  #adopt(socket: Socket): void {
    if (this.#isClosed) {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    // Whoever consumes it hears of the end by "close".
    socket.on("error", () => undefined);
    socket.on("close", () => this.#sockets.delete(socket));
    this.#connected(bothWays(socket));
  }

  async #listen(address: ChardevAddress): Promise<void> {
    if ("host" in address) {
      await listenInet(address, (endpoint) => this.#bind(endpoint));
      return;
    }
    if ("path" in address) await clearSocketPath(address.path);
    await this.#bind(address).catch((error: unknown) => {
      throw "path" in address ? listenFailure(address.path, error) : notASocket(address.text);
    });
  }

  async #bind(options: ListenOptions | { readonly fd: number }): Promise<void> {
    // Whoever sends no more commands still hears the answers.
    const server = createServer({ allowHalfOpen: true }, (socket) => this.#adopt(socket));
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(options, () => {
        // Accepting may fail for a moment, such as for want of file descriptors.
        server.on("error", () => undefined);
        resolve();
      });
    });
    this.#servers.push(server);
    if (this.#isClosed) this.closeListener();
  }

  async #connect(address: ChardevAddress): Promise<void> {
    if ("fd" in address) {
      this.#adopt(openDescriptor(address.fd, address.text));
      return;
    }
    const where = "path" in address ? address.path : `${address.host}:${address.port}`;
    const socket = await connected(address).catch((error: unknown) => {
      throw error instanceof UsageError ? error : connectFailure(where, error);
    });
    this.#adopt(socket);
  }
}

function connectOptions(address: Exclude<ChardevAddress, { fd: number }>): NetConnectOpts {
  if ("path" in address) return address;
  familyOf(address);
  return tcpConnectOptions({ ...address, port: portOf(address.host, address.port) });
}

async function connected(address: Exclude<ChardevAddress, { fd: number }>): Promise<Socket> {
  const socket = createConnection(connectOptions(address));
  await once(socket, "connect");
  return socket;
}

function bothWays(socket: Duplex): Connection {
  return { input: socket, output: socket };
}

function openDescriptor(fd: number, text: string): Socket {
  try {
    return new Socket({ fd, readable: true, writable: true });
  } catch {
    throw notASocket(text);
  }
}

function notASocket(text: string): UsageError {
  return new UsageError(`File descriptor '${text}' is not a socket`);
}
