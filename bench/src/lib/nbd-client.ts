import { connect, type Socket } from "node:net";
import {
  Command,
  createRequest,
  greetingLength,
  optionGo,
  readOptionReply,
  readReplyHeader,
  REPLY_HEADER,
} from "./nbd-wire.ts";

/** NBD_ESHUTDOWN: what those get that were not answered when the connection ended. */
const ESHUTDOWN = 108;
/** How long a server may take to greet, ms. */
const GREETING_DEADLINE = 20_000;

/** Told of each reply. */
export type OnReply = (error: number) => void;

/**
 * A client that sends what it is told and reports each reply, however many requests are under way. Unlike fio it knows when
 * a reply came, and it does not give up.
 */
export class NbdClient {
  readonly #socket: Socket;
  readonly #pending: Map<number, { length: number; onReply: OnReply }> = new Map();
  #input: Buffer = Buffer.alloc(0);
  #cookie = 0;
  /** Bytes of a read's data that are still to come, and whom to tell then. */
  #data = 0;
  #current: { error: number; onReply: OnReply } | null = null;
  #failure: Error | null = null;

  /** Use `connectNbdClient`. */
  constructor(socket: Socket, rest: Buffer) {
    this.#socket = socket;
    socket.on("data", (bytes: Buffer) => this.#receive(bytes));
    socket.on("error", (error) => (this.#failure ??= error));
    socket.on("close", () => this.#giveUp());
    if (rest.length > 0) this.#receive(rest);
  }

  /** What ended the connection, or null. */
  get failure(): Error | null {
    return this.#failure;
  }

  /** Once the connection has failed, nothing is sent and nobody is told. */
  read(offset: number, length: number, onReply: OnReply): void {
    this.#send(Command.read, offset, length, length, onReply);
  }

  write(offset: number, length: number, onReply: OnReply): void {
    this.#send(Command.write, offset, length, 0, onReply);
  }

  /** Sends what comes until `uncork` in one piece. */
  cork(): void {
    this.#socket.cork();
  }

  uncork(): void {
    this.#socket.uncork();
  }

  /** Closes the connection without a word; nobody is told of what was not answered. */
  close(): void {
    this.#pending.clear();
    this.#failure ??= new Error("closed");
    this.#socket.destroy();
  }

  /** Nothing is answered any more. */
  #giveUp(): void {
    this.#failure ??= new Error("the server closed the connection");
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { onReply } of pending) onReply(ESHUTDOWN);
  }

  #send(command: number, offset: number, length: number, replyLength: number, onReply: OnReply): void {
    if (this.#failure !== null) return;
    this.#cookie += 1;
    this.#pending.set(this.#cookie, { length: replyLength, onReply });
    this.#socket.write(createRequest(command, this.#cookie, offset, length));
  }

  #receive(bytes: Buffer): void {
    const input = this.#input.length === 0 ? bytes : Buffer.concat([this.#input, bytes]);
    let at = 0;
    for (;;) {
      const taken = Math.min(this.#data, input.length - at);
      at += taken;
      this.#data -= taken;
      if (this.#data > 0) break;
      this.#tell();
      if (input.length - at < REPLY_HEADER) break;
      this.#begin(input, at);
      at += REPLY_HEADER;
    }
    this.#input = input.subarray(at);
  }

  #begin(input: Buffer, at: number): void {
    const { error, cookie } = readReplyHeader(input, at);
    const request = this.#pending.get(cookie);
    if (request === undefined) throw new Error("a reply to nothing");
    this.#pending.delete(cookie);
    this.#data = error === 0 ? request.length : 0;
    this.#current = { error, onReply: request.onReply };
  }

  #tell(): void {
    const current = this.#current;
    this.#current = null;
    current?.onReply(current.error);
  }
}

/** Connects to an export. @throws {Error} (as a rejection) If nobody listens there, or the export is refused. */
export function connectNbdClient(path: string, exportName: string): Promise<NbdClient> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path });
    socket.setTimeout(GREETING_DEADLINE, () => socket.destroy(new Error("the server does not greet")));
    let input: Buffer = Buffer.alloc(0);
    let greeted = false;
    const receive = (bytes: Buffer): void => {
      input = Buffer.concat([input, bytes]);
      if (!greeted) {
        const length = greetingLength(input);
        if (input.length < length) return;
        greeted = true;
        input = input.subarray(length);
        socket.write(optionGo(exportName));
      }
      for (let reply = readOptionReply(input); reply !== null; reply = readOptionReply(input)) {
        input = input.subarray(reply.length);
        if (!reply.done) continue;
        socket.removeAllListeners();
        socket.setTimeout(0);
        resolve(new NbdClient(socket, input));
        return;
      }
    };
    socket.on("data", (bytes: Buffer) => {
      try {
        receive(bytes);
      } catch (error) {
        socket.destroy();
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("the server closed the connection")));
  });
}
