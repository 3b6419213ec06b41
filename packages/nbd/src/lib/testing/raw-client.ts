import { connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import {
  NBD_OPT_EXPORT_NAME,
  NBD_OPT_GO,
  NBD_OPT_SET_META_CONTEXT,
  NBD_OPT_STRUCTURED_REPLY,
  NBD_REP_FLAG_ERROR,
  NBD_REP_ACK,
} from "../protocol/constants.ts";
import { decodeExportReply, decodeServerGreeting, encodeClientFlags, type ExportInfo } from "../protocol/handshake.ts";
import { encodeMetaContextRequest } from "../protocol/meta-context.ts";
import { decodeOptionReplyHeader, encodeInfoRequest, encodeOption } from "../protocol/option.ts";
import { createReplyHeader, readReplyHeader, type ReplyHeader } from "../protocol/reply.ts";
import { writeRequestHeader } from "../protocol/request.ts";
import { ByteReader } from "../server/byte-reader.ts";
import type { NbdListenAddress } from "../server/nbd-server.ts";

/** A request as a test writes it down. */
export interface RawRequest {
  type: number;
  flags?: number;
  cookie?: readonly [high: number, low: number];
  offset?: number;
  length?: number;
  data?: Uint8Array;
}

/** One reply to an option. */
export interface RawOptionReply {
  type: number;
  data: Buffer;
}

/** A reply, or one chunk of one, with its payload. */
export interface RawReply extends ReplyHeader {
  payload: Buffer;
}

/** The bytes of a request. */
export function requestBytes({ type, flags = 0, cookie = [0, 1], offset = 0, length, data }: RawRequest): Buffer {
  const header = Buffer.alloc(28);
  writeRequestHeader(header, 0, flags, type, cookie[0], cookie[1], offset, length ?? data?.length ?? 0);
  return Buffer.concat([header, data ?? Buffer.alloc(0)]);
}

/** An NBD client that sends whatever a test wants, right or wrong. */
export class RawClient {
  stream: Duplex;
  #reader: ByteReader;
  readonly #closed: Promise<void>;

  private constructor(socket: Socket) {
    this.stream = socket;
    this.#reader = new ByteReader(socket);
    this.#closed = new Promise((resolve) => {
      socket.on("close", () => resolve());
    });
    socket.on("error", () => undefined);
  }

  static connect(where: NbdListenAddress | string): Promise<RawClient> {
    const address = typeof where === "string" ? { path: where } : where;
    return new Promise((resolve, reject) => {
      const socket = connect(address, () => resolve(new RawClient(socket)));
      socket.once("error", reject);
    });
  }

  /** Connects, greets and opens the default export. */
  static async open(
    path: NbdListenAddress | string,
    options: { structured?: boolean; context?: boolean } = {},
  ): Promise<RawClient> {
    const client = await RawClient.connect(path);
    await client.greet();
    if (options.structured === true || options.context === true) await client.option(NBD_OPT_STRUCTURED_REPLY);
    if (options.context === true) {
      const data = encodeMetaContextRequest({ name: "", queries: ["base:allocation"] });
      await client.option(NBD_OPT_SET_META_CONTEXT, data);
    }
    const replies = await client.option(NBD_OPT_GO, encodeInfoRequest({ name: "", infos: [3] }));
    if (replies.at(-1)?.type !== NBD_REP_ACK) throw new Error("NBD_OPT_GO failed");
    return client;
  }

  send(...parts: Uint8Array[]): void {
    this.stream.write(Buffer.concat(parts));
  }

  take(length: number): Promise<Buffer> {
    return this.#reader.take(length);
  }

  /** Resolves when the server closed the connection. Only useful if what it sends is read, or small. */
  async closed(): Promise<void> {
    this.stream.resume();
    await this.#closed;
  }

  destroy(): void {
    this.stream.destroy();
  }

  /** Ends a TCP connection with a reset. */
  reset(): void {
    (this.stream as Socket).resetAndDestroy();
  }

  /** Reads the greeting and answers it. Returns the server's flags. */
  async greet(flags = 3): Promise<number> {
    const serverFlags = decodeServerGreeting(await this.take(18));
    this.send(encodeClientFlags(flags));
    return serverFlags;
  }

  /** Sends an option and takes its replies up to the final one. */
  async option(option: number, data?: Uint8Array): Promise<RawOptionReply[]> {
    this.send(encodeOption(option, data));
    const replies: RawOptionReply[] = [];
    for (;;) {
      const reply = await this.optionReply(option);
      replies.push(reply);
      if (reply.type === NBD_REP_ACK || reply.type >= NBD_REP_FLAG_ERROR) return replies;
    }
  }

  async optionReply(option: number): Promise<RawOptionReply> {
    const header = decodeOptionReplyHeader(await this.take(20));
    if (header.option !== option) throw new Error(`a reply to option ${header.option} instead of ${option}`);
    return { type: header.type, data: await this.take(header.length) };
  }

  async exportName(name: string, zeroes = false): Promise<ExportInfo> {
    this.send(encodeOption(NBD_OPT_EXPORT_NAME, Buffer.from(name)));
    const info = decodeExportReply(await this.take(10));
    if (zeroes) await this.take(124);
    return info;
  }

  request(request: RawRequest): void {
    this.send(requestBytes(request));
  }

  /** The next simple reply, or the next chunk. `dataLength`: how much a simple reply carries if it is no error. */
  async reply(dataLength = 0): Promise<RawReply> {
    const header = createReplyHeader();
    const start = await this.take(16);
    if (readReplyHeader(start, 0, 16, header) === 16) {
      return { ...header, payload: await this.take(header.error === 0 ? dataLength : 0) };
    }
    readReplyHeader(Buffer.concat([start, await this.take(4)]), 0, 20, header);
    return { ...header, payload: await this.take(header.length) };
  }

  /** Sends a request and takes its reply. */
  async ask(request: RawRequest, dataLength?: number): Promise<RawReply> {
    this.request(request);
    return this.reply(dataLength ?? (request.type === 0 ? (request.length ?? 0) : 0));
  }

  /** Turns the connection into an encrypted one: the client's side, after the server said yes. */
  async encrypt(options: ConnectionOptions): Promise<void> {
    this.#reader.detach();
    const secure = connectTls({ ...options, socket: this.stream });
    secure.on("error", () => undefined);
    await new Promise<void>((resolve, reject) => {
      secure.once("secureConnect", resolve);
      secure.once("error", reject);
    });
    this.stream = secure;
    this.#reader = new ByteReader(secure);
  }
}
