import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createRequestHeader,
  decodeInfoRequest,
  decodeMetaContextRequest,
  decodeOptionHeader,
  encodeExportReply,
  encodeInfo,
  encodeMetaContext,
  encodeOptionReply,
  encodeServerGreeting,
  NBD_CMD_WRITE,
  NBD_INFO_EXPORT,
  NBD_OPT_EXPORT_NAME,
  NBD_OPT_GO,
  NBD_OPT_SET_META_CONTEXT,
  NBD_OPT_STRUCTURED_REPLY,
  NBD_REP_ACK,
  NBD_REP_ERR_UNSUP,
  NBD_REP_INFO,
  NBD_REP_META_CONTEXT,
  OPTION_HEADER_LENGTH,
  readRequestHeader,
  REQUEST_HEADER_LENGTH,
  type InfoPayload,
} from "@rehandle/nbd/protocol";

/** What the server of a test offers; a test may change it between two connections. */
export interface Script {
  size: number;
  /** Transmission flags, NBD_FLAG_*. */
  flags: number;
  /** Handshake flags. */
  greeting: number;
  structured: boolean;
  /** Id of base:allocation; null: not offered. */
  allocationId: number | null;
  /** Further NBD_REP_INFO payloads of NBD_OPT_GO. */
  infos: InfoPayload[];
  /** Answers an option in its own way: the bytes to send. Null: as usual. */
  onOption: (option: number, data: Uint8Array, connection: ScriptedConnection) => Uint8Array[] | null;
  /** False: accepts, and says nothing, as a frozen server does. */
  greets: boolean;
}

/** A request that arrived. */
export interface ArrivedRequest {
  flags: number;
  type: number;
  cookieHigh: number;
  cookieLow: number;
  offset: number;
  length: number;
  payload: Uint8Array;
}

/** One connection of a client, in the hands of a test. */
export class ScriptedConnection {
  readonly socket: Socket;
  readonly options: number[] = [];
  /** The client closed its side, or all of it. */
  ended = false;
  #script: Script;
  #unread: Buffer = Buffer.alloc(0);
  #phase: "flags" | "options" | "requests" = "flags";
  #zeroes = true;
  readonly #arrived: ArrivedRequest[] = [];
  readonly #waiters: ((request: ArrivedRequest) => void)[] = [];

  constructor(socket: Socket, script: Script) {
    this.socket = socket;
    this.#script = script;
    socket.on("data", (chunk) => {
      this.#unread = Buffer.concat([this.#unread, chunk]);
      while (this.#step());
    });
    socket.on("error", () => {});
    socket.on("end", () => {
      this.ended = true;
    });
    socket.on("close", () => {
      this.ended = true;
    });
    if (script.greets) this.send(encodeServerGreeting(script.greeting));
  }

  send(...parts: Uint8Array[]): void {
    this.socket.write(Buffer.concat(parts));
  }

  /** The next request, in the order of arrival. */
  nextRequest(): Promise<ArrivedRequest> {
    const first = this.#arrived.shift();
    if (first !== undefined) return Promise.resolve(first);
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** How many requests have arrived that nobody took. */
  get unclaimed(): number {
    return this.#arrived.length;
  }

  /** Takes one message off what has come; false if none is complete. */
  #step(): boolean {
    if (this.#phase === "flags") {
      const flags = this.#take(4);
      if (flags === null) return false;
      this.#zeroes = (flags.readUInt32BE(0) & 2) === 0;
      this.#phase = "options";
      return true;
    }
    return this.#phase === "options" ? this.#stepOption() : this.#stepRequest();
  }

  #stepOption(): boolean {
    if (this.#unread.length < OPTION_HEADER_LENGTH) return false;
    const { option, length } = decodeOptionHeader(this.#unread);
    const whole = this.#take(OPTION_HEADER_LENGTH + length);
    if (whole === null) return false;
    this.options.push(option);
    const data = whole.subarray(OPTION_HEADER_LENGTH);
    const own = this.#script.onOption(option, data, this);
    for (const reply of own ?? this.#usualReplies(option, data)) this.send(reply);
    return true;
  }

  #usualReplies(option: number, data: Uint8Array): Uint8Array[] {
    const { size, flags, structured, allocationId, infos } = this.#script;
    const ack = encodeOptionReply(option, NBD_REP_ACK);
    if (option === NBD_OPT_STRUCTURED_REPLY && structured) return [ack];
    if (option === NBD_OPT_SET_META_CONTEXT && structured) {
      const [name = ""] = decodeMetaContextRequest(data).queries;
      if (allocationId === null) return [ack];
      return [encodeOptionReply(option, NBD_REP_META_CONTEXT, encodeMetaContext({ id: allocationId, name })), ack];
    }
    if (option === NBD_OPT_GO) {
      decodeInfoRequest(data);
      this.#phase = "requests";
      const all: InfoPayload[] = [...infos, { type: NBD_INFO_EXPORT, size, flags }];
      return [...all.map((info) => encodeOptionReply(option, NBD_REP_INFO, encodeInfo(info))), ack];
    }
    if (option === NBD_OPT_EXPORT_NAME) {
      this.#phase = "requests";
      return [encodeExportReply({ size, flags }, this.#zeroes)];
    }
    return [encodeOptionReply(option, NBD_REP_ERR_UNSUP)];
  }

  #stepRequest(): boolean {
    if (this.#unread.length < REQUEST_HEADER_LENGTH) return false;
    const header = createRequestHeader();
    if (!readRequestHeader(this.#unread, 0, header)) throw new Error("the client sent a wrong magic");
    const payloadLength = header.type === NBD_CMD_WRITE ? header.length : 0;
    const whole = this.#take(REQUEST_HEADER_LENGTH + payloadLength);
    if (whole === null) return false;
    const request = { ...header, payload: new Uint8Array(whole.subarray(REQUEST_HEADER_LENGTH)) };
    const waiter = this.#waiters.shift();
    if (waiter === undefined) this.#arrived.push(request);
    else waiter(request);
    return true;
  }

  #take(length: number): Buffer | null {
    if (this.#unread.length < length) return null;
    const taken = this.#unread.subarray(0, length);
    this.#unread = this.#unread.subarray(length);
    return taken;
  }
}

/** A server of raw sockets whose every answer a test gives by hand. */
export class ScriptedServer {
  readonly script: Script;
  readonly path: string;
  /** Every connection that was accepted, oldest first. */
  readonly connections: ScriptedConnection[] = [];
  readonly #folder: string;
  #server: Server | null = null;
  readonly #waiters: ((connection: ScriptedConnection) => void)[] = [];
  #claimed = 0;

  constructor(script: Partial<Script> = {}) {
    this.#folder = mkdtempSync(join(tmpdir(), "rehandle-nbd-"));
    this.path = join(this.#folder, "nbd.sock");
    // HAS_FLAGS, SEND_FLUSH, SEND_FUA, SEND_TRIM, SEND_WRITE_ZEROES, SEND_FAST_ZERO
    const flags = 1 | 4 | 8 | 32 | 64 | 2048;
    const offered = { size: 1 << 20, flags, greeting: 3, structured: true, allocationId: 7, infos: [], greets: true };
    this.script = { ...offered, onOption: () => null, ...script };
  }

  async listen(): Promise<void> {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      const connection = new ScriptedConnection(socket, this.script);
      this.connections.push(connection);
      for (const waiter of this.#waiters.splice(0)) waiter(connection);
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.path, resolve));
  }

  /** The next connection, in the order of their coming. */
  async nextConnection(): Promise<ScriptedConnection> {
    while (this.connections.length <= this.#claimed) {
      await new Promise((resolve) => this.#waiters.push(resolve));
    }
    this.#claimed += 1;
    return this.connections[this.#claimed - 1]!;
  }

  /** Stops listening; connections stay. */
  async stopListening(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null) return;
    // `close` waits for every connection; the socket's file is gone at once.
    server.close();
    await Promise.resolve();
  }

  /** Ends everything. */
  async close(): Promise<void> {
    await this.stopListening();
    for (const { socket } of this.connections) socket.destroy();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
