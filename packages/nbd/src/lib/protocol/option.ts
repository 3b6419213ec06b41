import { Builder } from "./builder.ts";
import {
  IHAVEOPT_HIGH,
  IHAVEOPT_LOW,
  NBD_OPT_REPLY_MAGIC_HIGH,
  NBD_OPT_REPLY_MAGIC_LOW,
  OPTION_HEADER_LENGTH,
  OPTION_REPLY_HEADER_LENGTH,
} from "./constants.ts";
import { Cursor } from "./cursor.ts";
import { readUint32, requireBytes } from "./integers.ts";
import { protocolError } from "./protocol-error.ts";
import { decodeMessage } from "./text.ts";

const NO_DATA: Uint8Array = new Uint8Array(0);

/** Header of an option request: which option, and how many bytes of data follow. */
export interface OptionHeader {
  /** NBD_OPT_*. */
  option: number;
  length: number;
}

/** Header of an option reply. */
export interface OptionReplyHeader {
  /** The option that it answers, NBD_OPT_*. */
  option: number;
  /** NBD_REP_*. */
  type: number;
  length: number;
}

/** A whole option request. */
export function encodeOption(option: number, data: Uint8Array = NO_DATA): Uint8Array {
  const builder = new Builder().uint32(IHAVEOPT_HIGH).uint32(IHAVEOPT_LOW);
  return builder.uint32(option).uint32(data.length).bytes(data).build();
}

/**
 * The header of an option request, 16 bytes.
 * @throws BlockError `EPROTO` if the magic is wrong.
 */
export function decodeOptionHeader(source: Uint8Array, at = 0): OptionHeader {
  requireBytes(source, at, OPTION_HEADER_LENGTH);
  if (readUint32(source, at) !== IHAVEOPT_HIGH || readUint32(source, at + 4) !== IHAVEOPT_LOW) {
    throw protocolError("an option does not start with IHAVEOPT");
  }
  return { option: readUint32(source, at + 8), length: readUint32(source, at + 12) };
}

/** A whole option reply. */
export function encodeOptionReply(option: number, type: number, data: Uint8Array = NO_DATA): Uint8Array {
  const builder = new Builder().uint32(NBD_OPT_REPLY_MAGIC_HIGH).uint32(NBD_OPT_REPLY_MAGIC_LOW);
  return builder.uint32(option).uint32(type).uint32(data.length).bytes(data).build();
}

/**
 * The header of an option reply, 20 bytes.
 * @throws BlockError `EPROTO` if the magic is wrong.
 */
export function decodeOptionReplyHeader(source: Uint8Array, at = 0): OptionReplyHeader {
  requireBytes(source, at, OPTION_REPLY_HEADER_LENGTH);
  if (readUint32(source, at) !== NBD_OPT_REPLY_MAGIC_HIGH || readUint32(source, at + 4) !== NBD_OPT_REPLY_MAGIC_LOW) {
    throw protocolError("an option reply starts with the wrong magic");
  }
  return { option: readUint32(source, at + 8), type: readUint32(source, at + 12), length: readUint32(source, at + 16) };
}

/** Data of NBD_OPT_INFO and NBD_OPT_GO. */
export interface InfoRequest {
  /** Name of the export; empty for the default one. */
  name: string;
  /** NBD_INFO_* that the client asks for. NBD_INFO_EXPORT comes unasked. */
  infos: readonly number[];
}

/** Data of NBD_OPT_INFO and NBD_OPT_GO. */
export function encodeInfoRequest(request: InfoRequest): Uint8Array {
  const builder = new Builder().text(request.name).uint16(request.infos.length);
  for (const info of request.infos) builder.uint16(info);
  return builder.build();
}

/** @throws BlockError `EPROTO` if the lengths do not match exactly. */
export function decodeInfoRequest(data: Uint8Array): InfoRequest {
  const cursor = new Cursor(data, "the option's data");
  const name = cursor.text();
  const count = cursor.uint16();
  const infos: number[] = [];
  for (let i = 0; i < count; i += 1) infos.push(cursor.uint16());
  cursor.end();
  return { name, infos };
}

/** Data of NBD_REP_SERVER. */
export interface ServerReply {
  name: string;
  /** Text for people; empty if there is none. */
  description: string;
}

/** Data of NBD_REP_SERVER. */
export function encodeServerReply(reply: ServerReply): Uint8Array {
  return new Builder().text(reply.name).rawText(reply.description).build();
}

/** @throws BlockError `EPROTO` if it is malformed. */
export function decodeServerReply(data: Uint8Array): ServerReply {
  const cursor = new Cursor(data, "NBD_REP_SERVER");
  const name = cursor.text();
  return { name, description: decodeMessage(cursor.rest()) };
}
