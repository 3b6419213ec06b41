import { createConnection, createServer, Socket, type Server } from "node:net";
import type { Duplex, Readable, Writable } from "node:stream";
import type { ChardevAddress, ChardevOptions } from "./chardev-options.ts";
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
  #server: Server | null = null;
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

  /** Accepts nothing more. */
  closeListener(): void {
    this.#server?.close();
    this.#server = null;
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
    if ("path" in address) await clearSocketPath(address.path);
    // Whoever sends no more commands still hears the answers.
    const server = createServer({ allowHalfOpen: true }, (socket) => this.#adopt(socket));
    await new Promise<void>((resolve, reject) => {
      server.once("error", (error) => reject(bindFailure(address, error)));
      server.listen(address, () => {
        // Accepting may fail for a moment, such as for want of file descriptors.
        server.on("error", () => undefined);
        resolve();
      });
    });
    this.#server = server;
    if (this.#isClosed) this.closeListener();
  }

  async #connect(address: ChardevAddress): Promise<void> {
    if ("fd" in address) {
      this.#adopt(openDescriptor(address.fd, address.text));
      return;
    }
    const socket = createConnection(address);
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", (error) => {
        const where = "path" in address ? address.path : `${address.host}:${address.port}`;
        reject(connectFailure(where, error));
      });
    });
    this.#adopt(socket);
  }
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

function bindFailure(address: ChardevAddress, error: unknown): UsageError {
  if ("fd" in address) return notASocket(address.text);
  if ("path" in address) return listenFailure(address, error);
  return listenFailure({ host: address.host, port: String(address.port) }, error);
}
