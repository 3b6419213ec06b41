import { BlockError, type BlockErrorCode } from "@rehandle/driver-sdk";
import {
  BASE_ALLOCATION,
  decodeExportReply,
  decodeInfo,
  decodeMessage,
  decodeMetaContext,
  decodeOptionReplyHeader,
  decodeServerGreeting,
  DEFAULT_BLOCK_SIZES,
  encodeClientFlags,
  encodeInfoRequest,
  encodeMetaContextRequest,
  encodeOption,
  encodeText,
  EXPORT_REPLY_LENGTH,
  EXPORT_REPLY_ZEROES,
  NBD_FLAG_C_FIXED_NEWSTYLE,
  NBD_FLAG_C_NO_ZEROES,
  NBD_FLAG_FIXED_NEWSTYLE,
  NBD_FLAG_NO_ZEROES,
  NBD_INFO_BLOCK_SIZE,
  NBD_INFO_DESCRIPTION,
  NBD_INFO_EXPORT,
  NBD_INFO_NAME,
  NBD_OPT_EXPORT_NAME,
  NBD_OPT_GO,
  NBD_OPT_SET_META_CONTEXT,
  NBD_OPT_STARTTLS,
  NBD_OPT_STRUCTURED_REPLY,
  NBD_REP_ACK,
  NBD_REP_ERR_TLS_REQD,
  NBD_REP_ERR_UNSUP,
  NBD_REP_FLAG_ERROR,
  NBD_REP_INFO,
  NBD_REP_META_CONTEXT,
  OPTION_REPLY_HEADER_LENGTH,
  protocolError,
  SERVER_GREETING_LENGTH,
  type BlockSizes,
} from "@rehandle/nbd/protocol";
import type { Channel } from "./channel.ts";
import type { NbdDriverSettings } from "./driver-options.ts";
import { HandshakeStream } from "./handshake-stream.ts";
import { OPTION_ERRORS, OPTION_NAMES } from "./option-names.ts";
import { tlsConnectOptions } from "./tls-credentials.ts";

/** What a server said of its export. */
export interface NegotiatedExport {
  /** Bytes. */
  readonly size: number;
  /** NBD_FLAG_* bits of transmission. */
  readonly flags: number;
  readonly blockSizes: BlockSizes;
  /** The canonical name and the description, if the server has any. */
  readonly name: string | null;
  readonly description: string | null;
  readonly structured: boolean;
  /** Id of `base:allocation` on this connection; null if the server does not have it. */
  readonly allocationId: number | null;
}

/** Longer than any option reply has reason to be: two strings and some numbers. */
const MAX_OPTION_REPLY = 16 * 1024;
/** More replies to one option than any server has reason to send. */
const MAX_OPTION_REPLIES = 256;

/**
 * Talks the server through the handshake up to transmission. What the server sent beyond it is in the second result.
 * @throws BlockError (as a rejection) that says what the server refused, or `EPROTO`.
 */
export async function handshake(
  channel: Channel,
  settings: NbdDriverSettings,
  signal: AbortSignal,
): Promise<{ negotiated: NegotiatedExport; unread: Uint8Array }> {
  const stream = new HandshakeStream(channel, signal);
  const serverFlags = decodeServerGreeting(await stream.read(SERVER_GREETING_LENGTH));
  const fixed = (serverFlags & NBD_FLAG_FIXED_NEWSTYLE) !== 0;
  const zeroes = (serverFlags & NBD_FLAG_NO_ZEROES) === 0;
  stream.write(encodeClientFlags((fixed ? NBD_FLAG_C_FIXED_NEWSTYLE : 0) | (zeroes ? 0 : NBD_FLAG_C_NO_ZEROES)));
  const negotiation = new Negotiation(stream, settings.exportName, zeroes);
  if (settings.tlsCreds !== null) {
    if (!fixed) throw protocolError("the server cannot do TLS: it does not speak fixed newstyle");
    await negotiation.require(NBD_OPT_STARTTLS);
    // Bytes from before the encryption must not be taken for bytes from within it.
    if (stream.takeUnread().length > 0) throw protocolError("plain text after the answer to NBD_OPT_STARTTLS");
    await channel.startTls(tlsConnectOptions(settings.tlsCreds, settings.tlsHostname), signal);
  }
  const negotiated = fixed ? await negotiation.run() : await negotiation.exportName(false, null);
  return { negotiated, unread: stream.takeUnread() };
}

/** What came of one option: `error` is null for NBD_REP_ACK. */
interface OptionResult {
  error: BlockError | null;
  errorType: number;
}

type OnReply = (type: number, data: Uint8Array) => void;

class Negotiation {
  readonly #stream: HandshakeStream;
  readonly #exportName: string;
  readonly #zeroes: boolean;

  constructor(stream: HandshakeStream, exportName: string, zeroes: boolean) {
    this.#stream = stream;
    this.#exportName = exportName;
    this.#zeroes = zeroes;
  }

  async run(): Promise<NegotiatedExport> {
    const structured = await this.#offer(NBD_OPT_STRUCTURED_REPLY);
    const allocationId = structured ? await this.#selectAllocation() : null;
    return this.#go(structured, allocationId);
  }

  /** @throws BlockError if the server does not agree. */
  async require(option: number): Promise<void> {
    const { error } = await this.#option(option, new Uint8Array(0), refuseReply(option));
    if (error !== null) throw error;
  }

  /** True if the server agrees. @throws BlockError if it insists on TLS. */
  async #offer(option: number): Promise<boolean> {
    const { error, errorType } = await this.#option(option, new Uint8Array(0), refuseReply(option));
    if (error !== null && errorType === NBD_REP_ERR_TLS_REQD) throw error;
    return error === null;
  }

  async #selectAllocation(): Promise<number | null> {
    const data = encodeMetaContextRequest({ name: this.#exportName, queries: [BASE_ALLOCATION] });
    let id: number | null = null;
    const { error } = await this.#option(NBD_OPT_SET_META_CONTEXT, data, (type, reply) => {
      if (type !== NBD_REP_META_CONTEXT) throw protocolError(`reply type ${type} to NBD_OPT_SET_META_CONTEXT`);
      const context = decodeMetaContext(reply);
      if (context.name === BASE_ALLOCATION) id = context.id;
    });
    return error === null ? id : null;
  }

  async #go(structured: boolean, allocationId: number | null): Promise<NegotiatedExport> {
    const infos = [NBD_INFO_NAME, NBD_INFO_DESCRIPTION, NBD_INFO_BLOCK_SIZE];
    const found: { size?: number; flags?: number; blockSizes?: BlockSizes; name?: string; description?: string } = {};
    const data = encodeInfoRequest({ name: this.#exportName, infos });
    const { error, errorType } = await this.#option(NBD_OPT_GO, data, (type, reply) => {
      if (type !== NBD_REP_INFO) throw protocolError(`reply type ${type} to NBD_OPT_GO`);
      const info = decodeInfo(reply);
      if (info?.type === NBD_INFO_EXPORT) Object.assign(found, { size: info.size, flags: info.flags });
      else if (info?.type === NBD_INFO_NAME) found.name = info.name;
      else if (info?.type === NBD_INFO_DESCRIPTION) found.description = info.description;
      else if (info?.type === NBD_INFO_BLOCK_SIZE) {
        found.blockSizes = { minimum: info.minimum, preferred: info.preferred, maximum: info.maximum };
      }
    });
    if (errorType === NBD_REP_ERR_UNSUP) return this.exportName(structured, allocationId);
    if (error !== null) throw error;
    const { size, flags, blockSizes = DEFAULT_BLOCK_SIZES, name = null, description = null } = found;
    if (size === undefined || flags === undefined)
      throw protocolError("NBD_OPT_GO was answered without NBD_INFO_EXPORT");
    return { size, flags, blockSizes, name, description, structured, allocationId };
  }

  /** The way of old servers: no error can be answered, so a refusal is a closed connection. */
  async exportName(structured: boolean, allocationId: number | null): Promise<NegotiatedExport> {
    this.#stream.write(encodeOption(NBD_OPT_EXPORT_NAME, encodeText(this.#exportName)));
    const { size, flags } = decodeExportReply(await this.#stream.read(EXPORT_REPLY_LENGTH));
    if (this.#zeroes) await this.#stream.read(EXPORT_REPLY_ZEROES);
    const blockSizes = DEFAULT_BLOCK_SIZES;
    return { size, flags, blockSizes, name: null, description: null, structured, allocationId };
  }

  /** Sends an option and hears its replies up to the final one. */
  async #option(option: number, data: Uint8Array, onReply: OnReply): Promise<OptionResult> {
    this.#stream.write(encodeOption(option, data));
    for (let count = 0; count < MAX_OPTION_REPLIES; count += 1) {
      const header = decodeOptionReplyHeader(await this.#stream.read(OPTION_REPLY_HEADER_LENGTH));
      if (header.option !== option) throw protocolError(`a reply to option ${header.option} instead of ${option}`);
      if (header.length > MAX_OPTION_REPLY) throw protocolError(`an option reply of ${header.length} bytes`);
      const reply = await this.#stream.read(header.length);
      if (header.type === NBD_REP_ACK) return { error: null, errorType: 0 };
      if ((header.type & NBD_REP_FLAG_ERROR) !== 0) {
        const error = refusal(option, header.type, this.#exportName, decodeMessage(reply));
        return { error, errorType: header.type };
      }
      onReply(header.type, reply);
    }
    throw protocolError(`more than ${MAX_OPTION_REPLIES} replies to ${OPTION_NAMES.get(option)}`);
  }
}

function refuseReply(option: number): OnReply {
  return (type) => {
    throw protocolError(`reply type ${type} to ${OPTION_NAMES.get(option)}`);
  };
}

function refusal(option: number, type: number, exportName: string, text: string): BlockError {
  const known = OPTION_ERRORS.get(type);
  const name = known?.name ?? `error 0x${type.toString(16)}`;
  const code: BlockErrorCode = known?.code ?? "EINVAL";
  const why = text === "" ? "" : ` (${text})`;
  const where = option === NBD_OPT_GO ? ` for export "${exportName}"` : "";
  return new BlockError(`the server answered ${name} to ${OPTION_NAMES.get(option)}${where}${why}`, {
    code,
    operation: "open",
  });
}
