import { isBlockError, type DriverCapabilities } from "@rehandle/driver-sdk";
import {
  BASE_ALLOCATION,
  NBD_INFO_BLOCK_SIZE,
  NBD_INFO_DESCRIPTION,
  NBD_INFO_EXPORT,
  NBD_INFO_NAME,
  NBD_OPT_GO,
  NBD_OPT_INFO,
  NBD_OPT_LIST,
  NBD_OPT_LIST_META_CONTEXT,
  NBD_OPT_SET_META_CONTEXT,
  NBD_OPT_STRUCTURED_REPLY,
  NBD_REP_ACK,
  NBD_REP_ERR_BLOCK_SIZE_REQD,
  NBD_REP_ERR_INVALID,
  NBD_REP_ERR_UNKNOWN,
  NBD_REP_ERR_UNSUP,
  NBD_REP_INFO,
  NBD_REP_META_CONTEXT,
  NBD_REP_SERVER,
} from "../protocol/constants.ts";
import { encodeInfo, type InfoPayload } from "../protocol/info.ts";
import { decodeMetaContextRequest, encodeMetaContext, type MetaContextRequest } from "../protocol/meta-context.ts";
import { decodeInfoRequest, encodeServerReply, type InfoRequest } from "../protocol/option.ts";
import type { ExportTable } from "./export-table.ts";
import { blockSizes, exportSize, type NbdExport, transmissionFlags } from "./nbd-export.ts";

/** Our id of `base:allocation`, on every connection. */
export const ALLOCATION_CONTEXT_ID = 1;
/** A client that does not ask for block sizes keeps to this alignment, bytes; what it sends for more would fail. */
const ASSUMED_ALIGNMENT = 512;

/** What was negotiated so far on one connection. TLS starts it anew. */
export interface NegotiatedState {
  structuredReplies: boolean;
  /** The export that `base:allocation` was selected for. */
  contextExport: NbdExport | null;
}

/** One reply to an option. */
export interface OptionReply {
  /** NBD_REP_*. */
  readonly type: number;
  readonly data: Uint8Array;
}

/** The answer to an option: replies, the last of which is final; and the export that was opened, if one was. */
export interface OptionAnswer {
  readonly replies: readonly OptionReply[];
  readonly opened?: { readonly nbdExport: NbdExport; readonly capabilities: DriverCapabilities };
}

const ACK: OptionReply = { type: NBD_REP_ACK, data: new Uint8Array(0) };

/** A final reply that is an error, with a text for people. */
export function optionError(type: number, message: string): OptionReply {
  return { type, data: new TextEncoder().encode(message) };
}

function refused(type: number, message: string): OptionAnswer {
  return { replies: [optionError(type, message)] };
}

/**
 * Answers every option that concerns neither the connection itself nor TLS. May change `state`; the caller has cleared the
 * selection of meta contexts before a SET.
 */
export function answerOption(
  exports: ExportTable,
  state: NegotiatedState,
  option: number,
  data: Uint8Array,
): OptionAnswer {
  switch (option) {
    case NBD_OPT_LIST:
      return data.length > 0 ? refused(NBD_REP_ERR_INVALID, "NBD_OPT_LIST takes no data") : answerList(exports);
    case NBD_OPT_INFO:
    case NBD_OPT_GO:
      return parsed(
        () => decodeInfoRequest(data),
        (request) => answerInfo(exports, state, option, request),
      );
    case NBD_OPT_STRUCTURED_REPLY:
      return answerStructuredReply(state, data);
    case NBD_OPT_LIST_META_CONTEXT:
      return parsed(
        () => decodeMetaContextRequest(data),
        (request) => answerListContexts(exports, request),
      );
    case NBD_OPT_SET_META_CONTEXT:
      return parsed(
        () => decodeMetaContextRequest(data),
        (request) => answerSetContexts(exports, state, request),
      );
    default:
      return refused(NBD_REP_ERR_UNSUP, `option ${option} is not supported`);
  }
}

function parsed<T>(parse: () => T, answer: (request: T) => OptionAnswer): OptionAnswer {
  let request: T;
  try {
    request = parse();
  } catch (error) {
    if (!isBlockError(error)) throw error;
    return refused(NBD_REP_ERR_INVALID, error.message);
  }
  return answer(request);
}

function answerList(exports: ExportTable): OptionAnswer {
  const replies = exports.list().map(({ name, description = "" }) => ({
    type: NBD_REP_SERVER,
    data: encodeServerReply({ name, description }),
  }));
  return { replies: [...replies, ACK] };
}

function answerInfo(exports: ExportTable, state: NegotiatedState, option: number, request: InfoRequest): OptionAnswer {
  const nbdExport = exports.find(request.name);
  if (nbdExport === undefined) return unknownExport(request.name);
  const { capabilities } = nbdExport.driver;
  const { requestAlignment } = capabilities;
  const asked = new Set(request.infos);
  if (option === NBD_OPT_GO && requestAlignment > ASSUMED_ALIGNMENT && !asked.has(NBD_INFO_BLOCK_SIZE)) {
    return refused(NBD_REP_ERR_BLOCK_SIZE_REQD, `requests must be aligned to ${requestAlignment} bytes`);
  }
  const flags = transmissionFlags(nbdExport, capabilities, state.structuredReplies);
  const infos: InfoPayload[] = [{ type: NBD_INFO_EXPORT, size: exportSize(capabilities), flags }];
  if (asked.has(NBD_INFO_NAME)) infos.push({ type: NBD_INFO_NAME, name: nbdExport.name });
  if (asked.has(NBD_INFO_DESCRIPTION) && nbdExport.description !== undefined) {
    infos.push({ type: NBD_INFO_DESCRIPTION, description: nbdExport.description });
  }
  // Sent unasked too, as QEMU does: a client may well heed what it did not ask for.
  infos.push({ type: NBD_INFO_BLOCK_SIZE, ...blockSizes(capabilities) });
  const replies = infos.map((info) => ({ type: NBD_REP_INFO, data: encodeInfo(info) }));
  const answer: OptionAnswer = { replies: [...replies, ACK] };
  return option === NBD_OPT_GO ? { ...answer, opened: { nbdExport, capabilities } } : answer;
}

function answerStructuredReply(state: NegotiatedState, data: Uint8Array): OptionAnswer {
  if (data.length > 0) return refused(NBD_REP_ERR_INVALID, "NBD_OPT_STRUCTURED_REPLY takes no data");
  if (state.structuredReplies) return refused(NBD_REP_ERR_INVALID, "structured replies were already negotiated");
  state.structuredReplies = true;
  return { replies: [ACK] };
}

function answerListContexts(exports: ExportTable, request: MetaContextRequest): OptionAnswer {
  if (exports.find(request.name) === undefined) return unknownExport(request.name);
  const { queries } = request;
  const wanted = queries.length === 0 || queries.includes("base:") || queries.includes(BASE_ALLOCATION);
  return { replies: wanted ? [allocationContext(), ACK] : [ACK] };
}

function answerSetContexts(exports: ExportTable, state: NegotiatedState, request: MetaContextRequest): OptionAnswer {
  if (!state.structuredReplies) return refused(NBD_REP_ERR_INVALID, "structured replies were not negotiated");
  const nbdExport = exports.find(request.name);
  if (nbdExport === undefined) return unknownExport(request.name);
  if (!request.queries.includes(BASE_ALLOCATION)) return { replies: [ACK] };
  state.contextExport = nbdExport;
  return { replies: [allocationContext(), ACK] };
}

function allocationContext(): OptionReply {
  return { type: NBD_REP_META_CONTEXT, data: encodeMetaContext({ id: ALLOCATION_CONTEXT_ID, name: BASE_ALLOCATION }) };
}

function unknownExport(name: string): OptionAnswer {
  return refused(NBD_REP_ERR_UNKNOWN, name === "" ? "there is no default export" : "there is no export of that name");
}
