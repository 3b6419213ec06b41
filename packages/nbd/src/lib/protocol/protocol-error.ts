import { BlockError } from "@rehandle/driver-sdk";

/** The peer broke the protocol: nothing that follows on this connection can be trusted. Code `EPROTO`, class `transport`. */
export function protocolError(message: string): BlockError {
  return new BlockError(`NBD: ${message}`, { code: "EPROTO" });
}
