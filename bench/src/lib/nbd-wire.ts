/** The few messages of the NBD protocol that `NbdClient` speaks; numbers from the specification (doc/proto.md). */

const NBDMAGIC = 0x4e42444d41474943n;
const IHAVEOPT = 0x49484156454f5054n;
const OPTION_REPLY = 0x0003e889045565a9n;
const OPTION_GO = 7;
const REPLY_ACK = 1;
const REPLY_ERROR = 0x80000000;
const REQUEST_MAGIC = 0x25609513;
const SIMPLE_REPLY_MAGIC = 0x67446698;
const REQUEST_HEADER = 28;

/** Length of a simple reply's header, bytes. */
export const REPLY_HEADER = 16;

/** Types of requests. */
export const Command = { read: 0, write: 1 } as const;

/** What the client says once the server has greeted: plain fixed newstyle, no zeroes, and NBD_OPT_GO for an export. */
export function optionGo(exportName: string): Uint8Array {
  const name = Buffer.from(exportName);
  const message = Buffer.alloc(4 + 16 + 4 + name.length + 2);
  message.writeUInt32BE(3, 0);
  message.writeBigUInt64BE(IHAVEOPT, 4);
  message.writeUInt32BE(OPTION_GO, 12);
  message.writeUInt32BE(4 + name.length + 2, 16);
  message.writeUInt32BE(name.length, 20);
  message.set(name, 24);
  return message;
}

/** Length of the server's greeting, bytes. @throws {Error} If these are not the first bytes of one. */
export function greetingLength(bytes: Buffer): number {
  if (bytes.length >= 8 && bytes.readBigUInt64BE(0) !== NBDMAGIC) throw new Error("not an NBD server");
  return 18;
}

/**
 * Reads one reply to an option from the front of `bytes`.
 * @returns Its length and whether it ends the negotiation; null if there is not all of it yet.
 * @throws {Error} If the server refuses.
 */
export function readOptionReply(bytes: Buffer): { length: number; done: boolean } | null {
  if (bytes.length < 20) return null;
  if (bytes.readBigUInt64BE(0) !== OPTION_REPLY) throw new Error("not a reply to an option");
  const type = bytes.readUInt32BE(12);
  const length = 20 + bytes.readUInt32BE(16);
  if (bytes.length < length) return null;
  if (type >= REPLY_ERROR) throw new Error(`the server refuses the export: ${bytes.toString("utf8", 20, length)}`);
  return { length, done: type === REPLY_ACK };
}

/** A request, for a write with room for its data behind the header. */
export function createRequest(command: number, cookie: number, offset: number, length: number): Uint8Array {
  const message = Buffer.alloc(REQUEST_HEADER + (command === Command.write ? length : 0), 0x5a);
  message.writeUInt32BE(REQUEST_MAGIC, 0);
  message.writeUInt16BE(0, 4);
  message.writeUInt16BE(command, 6);
  message.writeBigUInt64BE(BigInt(cookie), 8);
  message.writeBigUInt64BE(BigInt(offset), 16);
  message.writeUInt32BE(length, 24);
  return message;
}

/** The header of a simple reply. @throws {Error} If it is something else. */
export function readReplyHeader(bytes: Buffer, at: number): { error: number; cookie: number } {
  if (bytes.readUInt32BE(at) !== SIMPLE_REPLY_MAGIC) throw new Error("not a simple reply");
  return { error: bytes.readUInt32BE(at + 4), cookie: Number(bytes.readBigUInt64BE(at + 8)) };
}
