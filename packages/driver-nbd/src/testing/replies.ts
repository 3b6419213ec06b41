import {
  blockStatusLength,
  encodeErrorChunk,
  encodeOffsetHole,
  NBD_REPLY_FLAG_DONE,
  NBD_REPLY_TYPE_BLOCK_STATUS,
  NBD_REPLY_TYPE_ERROR,
  NBD_REPLY_TYPE_ERROR_OFFSET,
  NBD_REPLY_TYPE_NONE,
  NBD_REPLY_TYPE_OFFSET_DATA,
  NBD_REPLY_TYPE_OFFSET_HOLE,
  writeBlockStatus,
  writeChunkHeader,
  writeSimpleReply,
  writeUint64,
} from "@rehandle/nbd/protocol";
import type { BlockExtent } from "@rehandle/driver-sdk";
import type { ArrivedRequest } from "./scripted-server.ts";

type Cookie = Pick<ArrivedRequest, "cookieHigh" | "cookieLow">;

const DONE = NBD_REPLY_FLAG_DONE;

export function simpleReply(to: Cookie, error = 0, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  const reply = new Uint8Array(16 + data.length);
  writeSimpleReply(reply, 0, error, to.cookieHigh, to.cookieLow);
  reply.set(data, 16);
  return reply;
}

export function chunk(to: Cookie, flags: number, type: number, payload: Uint8Array = new Uint8Array(0)): Uint8Array {
  const reply = new Uint8Array(20 + payload.length);
  writeChunkHeader(reply, 0, flags, type, to.cookieHigh, to.cookieLow, payload.length);
  reply.set(payload, 20);
  return reply;
}

export function doneChunk(to: Cookie): Uint8Array {
  return chunk(to, DONE, NBD_REPLY_TYPE_NONE);
}

export function dataChunk(to: Cookie, offset: number, data: Uint8Array, flags = 0): Uint8Array {
  const payload = new Uint8Array(8 + data.length);
  writeUint64(payload, 0, offset);
  payload.set(data, 8);
  return chunk(to, flags, NBD_REPLY_TYPE_OFFSET_DATA, payload);
}

export function holeChunk(to: Cookie, offset: number, length: number, flags = 0): Uint8Array {
  return chunk(to, flags, NBD_REPLY_TYPE_OFFSET_HOLE, encodeOffsetHole({ offset, length }));
}

export function errorChunk(to: Cookie, error: number, message = "", offset?: number, flags: number = DONE): Uint8Array {
  const type = offset === undefined ? NBD_REPLY_TYPE_ERROR : NBD_REPLY_TYPE_ERROR_OFFSET;
  const fields = offset === undefined ? { error, message } : { error, message, offset };
  return chunk(to, flags, type, encodeErrorChunk(fields));
}

export function statusChunk(to: Cookie, contextId: number, extents: BlockExtent[], flags: number = DONE): Uint8Array {
  const payload = new Uint8Array(blockStatusLength(extents.length));
  writeBlockStatus(payload, 0, contextId, extents);
  return chunk(to, flags, NBD_REPLY_TYPE_BLOCK_STATUS, payload);
}
