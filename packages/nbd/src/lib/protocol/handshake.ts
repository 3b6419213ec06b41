import { Builder } from "./builder.ts";
import {
  CLISERV_MAGIC_HIGH,
  CLISERV_MAGIC_LOW,
  EXPORT_REPLY_LENGTH,
  EXPORT_REPLY_ZEROES,
  IHAVEOPT_HIGH,
  IHAVEOPT_LOW,
  NBDMAGIC_HIGH,
  NBDMAGIC_LOW,
  SERVER_GREETING_LENGTH,
} from "./constants.ts";
import { readSafeUint64, readUint16, readUint32, requireBytes } from "./integers.ts";
import { protocolError } from "./protocol-error.ts";

/** What a newstyle server says first, 18 bytes. `flags`: NBD_FLAG_FIXED_NEWSTYLE, NBD_FLAG_NO_ZEROES. */
export function encodeServerGreeting(flags: number): Uint8Array {
  const builder = new Builder().uint32(NBDMAGIC_HIGH).uint32(NBDMAGIC_LOW);
  return builder.uint32(IHAVEOPT_HIGH).uint32(IHAVEOPT_LOW).uint16(flags).build();
}

/**
 * The handshake flags out of the first 18 bytes of a server.
 * @throws BlockError `EPROTO` if it is not NBD, or if it is a server of the dead oldstyle.
 */
export function decodeServerGreeting(source: Uint8Array, at = 0): number {
  requireBytes(source, at, SERVER_GREETING_LENGTH);
  if (readUint32(source, at) !== NBDMAGIC_HIGH || readUint32(source, at + 4) !== NBDMAGIC_LOW) {
    throw protocolError("the server did not say NBDMAGIC");
  }
  const high = readUint32(source, at + 8);
  const low = readUint32(source, at + 12);
  if (high === CLISERV_MAGIC_HIGH && low === CLISERV_MAGIC_LOW) throw protocolError("the server speaks oldstyle only");
  if (high !== IHAVEOPT_HIGH || low !== IHAVEOPT_LOW) throw protocolError("the server did not say IHAVEOPT");
  return readUint16(source, at + 16);
}

/** The client's answer to the greeting, 4 bytes. `flags`: NBD_FLAG_C_FIXED_NEWSTYLE, NBD_FLAG_C_NO_ZEROES. */
export function encodeClientFlags(flags: number): Uint8Array {
  return new Builder().uint32(flags).build();
}

/** The client's handshake flags out of its first 4 bytes. */
export function decodeClientFlags(source: Uint8Array, at = 0): number {
  requireBytes(source, at, 4);
  return readUint32(source, at);
}

/** Size and transmission flags of an export. */
export interface ExportInfo {
  /** Bytes, a safe integer ≥ 0. */
  size: number;
  /** NBD_FLAG_* bits of transmission. */
  flags: number;
}

/** The answer to NBD_OPT_EXPORT_NAME: 10 bytes, and 124 zeroes unless both sides agreed on NO_ZEROES. */
export function encodeExportReply(info: ExportInfo, zeroes: boolean): Uint8Array {
  const builder = new Builder().uint64(info.size).uint16(info.flags);
  return builder.bytes(new Uint8Array(zeroes ? EXPORT_REPLY_ZEROES : 0)).build();
}

/**
 * The first 10 bytes of the answer to NBD_OPT_EXPORT_NAME; the zeroes are the caller's to skip.
 * @throws BlockError `EPROTO` if the size is over 2⁵³ − 1.
 */
export function decodeExportReply(source: Uint8Array, at = 0): ExportInfo {
  requireBytes(source, at, EXPORT_REPLY_LENGTH);
  return { size: readSafeUint64(source, at, "the export's size"), flags: readUint16(source, at + 8) };
}
