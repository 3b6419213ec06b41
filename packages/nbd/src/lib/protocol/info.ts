import { Builder } from "./builder.ts";
import { NBD_INFO_BLOCK_SIZE, NBD_INFO_DESCRIPTION, NBD_INFO_EXPORT, NBD_INFO_NAME } from "./constants.ts";
import { Cursor } from "./cursor.ts";
import { decodeExportReply, type ExportInfo } from "./handshake.ts";
import { protocolError } from "./protocol-error.ts";
import { decodeMessage, decodeText } from "./text.ts";

/** Block-size constraints of an export, bytes. */
export interface BlockSizes {
  /** Offsets and lengths must be multiples of it: a power of two ≤ 65536. */
  minimum: number;
  /** The fastest size: a power of two ≥ max(512, minimum). */
  preferred: number;
  /** The longest payload; 0xffffffff for no limit. */
  maximum: number;
}

/** What a client assumes of a server that advertises nothing. */
export const DEFAULT_BLOCK_SIZES: Readonly<BlockSizes> = { minimum: 1, preferred: 4096, maximum: 32 * 1024 * 1024 };

/** The payload of an NBD_REP_INFO. */
export type InfoPayload =
  | ({ type: typeof NBD_INFO_EXPORT } & ExportInfo)
  | { type: typeof NBD_INFO_NAME; name: string }
  | { type: typeof NBD_INFO_DESCRIPTION; description: string }
  | ({ type: typeof NBD_INFO_BLOCK_SIZE } & BlockSizes);

/** Data of NBD_REP_INFO. */
export function encodeInfo(info: InfoPayload): Uint8Array {
  const builder = new Builder().uint16(info.type);
  if (info.type === NBD_INFO_EXPORT) builder.uint64(info.size).uint16(info.flags);
  else if (info.type === NBD_INFO_NAME) builder.rawText(info.name);
  else if (info.type === NBD_INFO_DESCRIPTION) builder.rawText(info.description);
  else builder.uint32(info.minimum).uint32(info.preferred).uint32(info.maximum);
  return builder.build();
}

/**
 * Reads the data of an NBD_REP_INFO. Null for a type that is not known, which a client ignores.
 * @throws BlockError `EPROTO` if the length does not fit the type, or the sizes contradict each other.
 */
export function decodeInfo(data: Uint8Array): InfoPayload | null {
  const cursor = new Cursor(data, "NBD_REP_INFO");
  const type = cursor.uint16();
  switch (type) {
    case NBD_INFO_EXPORT: {
      const fixed = cursor.bytes(10);
      cursor.end();
      return { type, ...decodeExportReply(fixed) };
    }
    case NBD_INFO_NAME:
      return { type, name: decodeText(cursor.rest()) };
    case NBD_INFO_DESCRIPTION:
      return { type, description: decodeMessage(cursor.rest()) };
    case NBD_INFO_BLOCK_SIZE:
      return { type, ...decodeBlockSizes(cursor) };
    default:
      return null;
  }
}

function decodeBlockSizes(cursor: Cursor): BlockSizes {
  const sizes: BlockSizes = { minimum: cursor.uint32(), preferred: cursor.uint32(), maximum: cursor.uint32() };
  cursor.end();
  const { minimum, preferred, maximum } = sizes;
  if (!isPowerOfTwo(minimum) || minimum > 65536) throw protocolError(`minimum block size ${minimum} is not allowed`);
  if (!isPowerOfTwo(preferred) || preferred < Math.max(512, minimum)) {
    throw protocolError(`preferred block size ${preferred} is not allowed`);
  }
  if (maximum < minimum) throw protocolError(`maximum payload ${maximum} is below the minimum block size`);
  return sizes;
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && Number.isInteger(Math.log2(value));
}
