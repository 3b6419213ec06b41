import type { DriverCapabilities } from "@rehandle/driver-sdk";
import type { Duplex } from "node:stream";
import type { TlsOptions } from "node:tls";
import {
  NBD_FLAG_C_FIXED_NEWSTYLE,
  NBD_FLAG_C_NO_ZEROES,
  NBD_FLAG_FIXED_NEWSTYLE,
  NBD_FLAG_NO_ZEROES,
  NBD_MAX_OPTION_LENGTH,
  NBD_MAX_STRING,
  NBD_OPT_ABORT,
  NBD_OPT_EXPORT_NAME,
  NBD_OPT_SET_META_CONTEXT,
  NBD_OPT_STARTTLS,
  NBD_REP_ACK,
  NBD_REP_ERR_INVALID,
  NBD_REP_ERR_POLICY,
  NBD_REP_ERR_SHUTDOWN,
  NBD_REP_ERR_TLS_REQD,
  NBD_REP_ERR_TOO_BIG,
  OPTION_HEADER_LENGTH,
} from "../protocol/constants.ts";
import { decodeClientFlags, encodeExportReply, encodeServerGreeting } from "../protocol/handshake.ts";
import { decodeOptionHeader, encodeOptionReply, type OptionHeader } from "../protocol/option.ts";
import { protocolError } from "../protocol/protocol-error.ts";
import { decodeText } from "../protocol/text.ts";
import { ByteReader } from "./byte-reader.ts";
import type { TransmissionTerms } from "./command-check.ts";
import type { ExportTable } from "./export-table.ts";
import { blockSizes, exportSize, type NbdExport, transmissionFlags } from "./nbd-export.ts";
import {
  ALLOCATION_CONTEXT_ID,
  answerOption,
  type NegotiatedState,
  optionError,
  type OptionReply,
} from "./option-answer.ts";
import { upgradeToTls } from "./tls.ts";

/** The longest option data that is read; there is no sane use for more. */
const MAX_OPTION_DATA = 65_536;
const KNOWN_CLIENT_FLAGS = NBD_FLAG_C_FIXED_NEWSTYLE | NBD_FLAG_C_NO_ZEROES;

/** What the negotiation needs to know of its server. */
export interface NegotiationHost {
  readonly exports: ExportTable;
  /** Null: no TLS. Otherwise it is demanded. */
  readonly tls: TlsOptions | null;
  readonly isShuttingDown: () => boolean;
  /** The connection is encrypted from now on; `stream` takes the place of the former one. */
  readonly onUpgrade: (stream: Duplex) => void;
  /** The client takes its leave, and may be gone before it is answered. */
  readonly onAbort: () => void;
}

/** What a negotiation came to. */
export interface Agreement {
  readonly nbdExport: NbdExport;
  readonly terms: TransmissionTerms;
  /** What the client sent after its last option: the first requests. */
  readonly rest: Buffer;
}

/** One client's handshake, from the greeting to the transmission phase or the end of the connection. */
export class Negotiation {
  readonly #host: NegotiationHost;
  #stream: Duplex;
  #reader: ByteReader;
  #encrypted = false;
  #zeroes = true;
  #state: NegotiatedState = { structuredReplies: false, contextExport: null };

  constructor(stream: Duplex, host: NegotiationHost) {
    this.#stream = stream;
    this.#host = host;
    this.#reader = new ByteReader(stream);
  }

  /**
   * Talks until the client opened an export. Null if it took its leave.
   * @throws BlockError `EPROTO` if it broke the protocol, or what its stream failed with: the connection must be cut.
   */
  async run(): Promise<Agreement | null> {
    await this.#write(encodeServerGreeting(NBD_FLAG_FIXED_NEWSTYLE | NBD_FLAG_NO_ZEROES));
    const flags = decodeClientFlags(await this.#reader.take(4));
    if ((flags & ~KNOWN_CLIENT_FLAGS) !== 0) throw protocolError(`unknown client flags 0x${flags.toString(16)}`);
    this.#zeroes = (flags & NBD_FLAG_C_NO_ZEROES) === 0;
    const fixed = (flags & NBD_FLAG_C_FIXED_NEWSTYLE) !== 0;
    for (;;) {
      const header = decodeOptionHeader(await this.#reader.take(OPTION_HEADER_LENGTH));
      const { option, length } = header;
      if (length > NBD_MAX_OPTION_LENGTH) throw protocolError(`an option with ${length} bytes of data`);
      if (option === NBD_OPT_EXPORT_NAME) return this.#openByName(length);
      if (!fixed) throw protocolError(`option ${option}, but the client does not know fixed newstyle`);
      if (option === NBD_OPT_ABORT) {
        this.#host.onAbort();
        await this.#leave(length);
        return null;
      }
      const agreement = await this.#answer(header);
      if (agreement !== null) return agreement;
    }
  }

  /** Deals with any option that has a reply. Not null if it opened an export. */
  async #answer({ option, length }: OptionHeader): Promise<Agreement | null> {
    // Whatever becomes of this one, even if it is not looked at, the old selection is gone.
    if (option === NBD_OPT_SET_META_CONTEXT) this.#state.contextExport = null;
    const refusal = this.#refusal(length, option);
    if (refusal !== null) {
      await this.#reader.skip(length);
      await this.#reply(option, [refusal]);
      return null;
    }
    const data = await this.#reader.take(length);
    if (option === NBD_OPT_STARTTLS) {
      await this.#startTls(length);
      return null;
    }
    const { replies, opened } = answerOption(this.#host.exports, this.#state, option, data);
    await this.#reply(option, replies);
    return opened === undefined ? null : this.#agree(opened.nbdExport, opened.capabilities);
  }

  /** Why an option is not even looked at. */
  #refusal(length: number, option: number): OptionReply | null {
    if (this.#host.isShuttingDown()) return optionError(NBD_REP_ERR_SHUTDOWN, "the server is shutting down");
    if (this.#tlsMissing() && option !== NBD_OPT_STARTTLS) {
      return optionError(NBD_REP_ERR_TLS_REQD, "TLS must be started first");
    }
    if (length > MAX_OPTION_DATA) return optionError(NBD_REP_ERR_TOO_BIG, `over ${MAX_OPTION_DATA} bytes of data`);
    return null;
  }

  #tlsMissing(): boolean {
    return this.#host.tls !== null && !this.#encrypted;
  }

  async #startTls(length: number): Promise<void> {
    const { tls } = this.#host;
    if (length > 0) return this.#refuseTls(NBD_REP_ERR_INVALID, "NBD_OPT_STARTTLS takes no data");
    if (tls === null) return this.#refuseTls(NBD_REP_ERR_POLICY, "TLS is not configured");
    if (this.#encrypted) return this.#refuseTls(NBD_REP_ERR_INVALID, "TLS was already started");
    await this.#reply(NBD_OPT_STARTTLS, [{ type: NBD_REP_ACK, data: new Uint8Array(0) }]);
    // Whoever put plain bytes after the option must not have them taken for encrypted ones.
    this.#reader.detach();
    while (this.#stream.read() !== null) {
      // Dropped.
    }
    const secure = await upgradeToTls(this.#stream, tls);
    this.#host.onUpgrade(secure);
    this.#stream = secure;
    this.#reader = new ByteReader(secure);
    this.#encrypted = true;
    this.#state = { structuredReplies: false, contextExport: null };
  }

  #refuseTls(error: number, message: string): Promise<void> {
    return this.#reply(NBD_OPT_STARTTLS, [optionError(error, message)]);
  }

  /** NBD_OPT_EXPORT_NAME: there is no way to say no but to close the connection. */
  async #openByName(length: number): Promise<Agreement> {
    if (this.#host.isShuttingDown()) throw protocolError("NBD_OPT_EXPORT_NAME while shutting down");
    if (this.#tlsMissing()) throw protocolError("NBD_OPT_EXPORT_NAME without TLS");
    if (length > NBD_MAX_STRING) throw protocolError(`an export name of ${length} bytes`);
    const name = decodeText(await this.#reader.take(length));
    const nbdExport = this.#host.exports.find(name);
    if (nbdExport === undefined) throw protocolError("NBD_OPT_EXPORT_NAME of an unknown export");
    const { capabilities } = nbdExport.driver;
    const flags = transmissionFlags(nbdExport, capabilities, this.#state.structuredReplies);
    await this.#write(encodeExportReply({ size: exportSize(capabilities), flags }, this.#zeroes));
    return this.#agree(nbdExport, capabilities);
  }

  #agree(nbdExport: NbdExport, capabilities: DriverCapabilities): Agreement {
    const { structuredReplies, contextExport } = this.#state;
    const terms: TransmissionTerms = {
      flags: transmissionFlags(nbdExport, capabilities, structuredReplies),
      maxPayload: blockSizes(capabilities).maximum,
      structuredReplies,
      allocationContextId: contextExport === nbdExport ? ALLOCATION_CONTEXT_ID : null,
    };
    return { nbdExport, terms, rest: this.#reader.detach() };
  }

  async #leave(length: number): Promise<void> {
    await this.#reader.skip(length);
    await this.#reply(NBD_OPT_ABORT, [{ type: NBD_REP_ACK, data: new Uint8Array(0) }]).catch(() => {
      // The client may have gone without waiting for the answer, and that is fine.
    });
    this.#reader.detach();
  }

  /** Waits until the replies are written: a client that does not read gets no more of them. */
  #reply(option: number, replies: readonly OptionReply[]): Promise<void> {
    return this.#write(Buffer.concat(replies.map(({ type, data }) => encodeOptionReply(option, type, data))));
  }

  #write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#stream.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
  }
}
