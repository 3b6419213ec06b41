import { BlockError } from "@rehandle/driver-sdk";
import { NBD_MAX_STRING } from "./constants.ts";
import { protocolError } from "./protocol-error.ts";

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const lenientDecoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * A string as the protocol carries it: UTF-8, no NUL, at most 4096 bytes.
 * @throws BlockError `EINVAL` if it cannot be one.
 */
export function encodeText(text: string): Uint8Array {
  const bytes = encoder.encode(text);
  if (bytes.includes(0)) throw new BlockError("NBD: a string must not hold a NUL character", { code: "EINVAL" });
  if (bytes.length > NBD_MAX_STRING) {
    throw new BlockError(`NBD: a string of ${bytes.length} bytes is over ${NBD_MAX_STRING}`, { code: "EINVAL" });
  }
  return bytes;
}

/**
 * A string of the protocol.
 * @throws BlockError `EPROTO` if it is over 4096 bytes, is not UTF-8 or holds a NUL.
 */
export function decodeText(bytes: Uint8Array): string {
  if (bytes.length > NBD_MAX_STRING) throw protocolError(`a string has ${bytes.length} bytes, over ${NBD_MAX_STRING}`);
  if (bytes.includes(0)) throw protocolError("a string holds a NUL character");
  try {
    return strictDecoder.decode(bytes);
  } catch {
    throw protocolError("a string is not UTF-8");
  }
}

/** Text for people, such as the reason of an error: cut at 4096 bytes, and whatever is not UTF-8 is replaced. */
export function decodeMessage(bytes: Uint8Array): string {
  return lenientDecoder.decode(bytes.subarray(0, NBD_MAX_STRING)).replaceAll("\0", "\ufffd");
}
