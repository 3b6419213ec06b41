import { BlockError, defineCapabilities, type DriverCapabilities } from "@rehandle/driver-sdk";
import {
  NBD_FLAG_CAN_MULTI_CONN,
  NBD_FLAG_READ_ONLY,
  NBD_FLAG_ROTATIONAL,
  NBD_FLAG_SEND_FAST_ZERO,
  NBD_FLAG_SEND_FLUSH,
  NBD_FLAG_SEND_FUA,
  NBD_FLAG_SEND_TRIM,
  NBD_FLAG_SEND_WRITE_ZEROES,
  NBD_DEFAULT_MAX_PAYLOAD,
} from "@rehandle/nbd/protocol";
import type { NegotiatedExport } from "./handshake.ts";

/** What the driver declares for an export. */
export function capabilitiesOf(exported: NegotiatedExport): DriverCapabilities {
  const { flags, blockSizes, allocationId } = exported;
  const { minimum, preferred, maximum } = blockSizes;
  const has = (flag: number): boolean => (flags & flag) !== 0;
  const writeZeroes = has(NBD_FLAG_SEND_WRITE_ZEROES);
  const limit = Math.min(maximum, NBD_DEFAULT_MAX_PAYLOAD);
  return defineCapabilities({
    // As QEMU does: the rest of a size that is not a multiple of the block size cannot be reached.
    size: exported.size - (exported.size % minimum),
    readOnly: has(NBD_FLAG_READ_ONLY),
    requestAlignment: minimum,
    preferredBlockSize: Math.max(minimum, preferred),
    maxTransfer: limit - (limit % minimum),
    flush: has(NBD_FLAG_SEND_FLUSH),
    fua: has(NBD_FLAG_SEND_FUA),
    discard: has(NBD_FLAG_SEND_TRIM),
    writeZeroes,
    fastZero: writeZeroes && has(NBD_FLAG_SEND_FAST_ZERO),
    blockStatus: allocationId !== null,
    abandon: true,
    reportsConnection: true,
    instance: "unknown",
    multiConn: has(NBD_FLAG_CAN_MULTI_CONN),
    rotational: has(NBD_FLAG_ROTATIONAL),
  });
}

/** What a declared capability is called in an error. */
const FEATURES = [
  ["flush", "flush"],
  ["fua", "FUA"],
  ["discard", "trim"],
  ["writeZeroes", "write zeroes"],
  ["fastZero", "fast zeroes"],
  ["blockStatus", "base:allocation"],
] as const;

/**
 * Whether an export that was found after a reconnect can stand for the one that was opened.
 * @returns null, or the error that says why it must not be used.
 */
export function findMismatch(
  opened: NegotiatedExport,
  declared: DriverCapabilities,
  found: NegotiatedExport,
): BlockError | null {
  const now = capabilitiesOf(found);
  if (now.size < declared.size) {
    return mismatch("ESTALE", `it is smaller: ${now.size} bytes instead of ${declared.size}`);
  }
  if (now.readOnly && !declared.readOnly) return mismatch("EROFS", "it is read-only and was writable");
  if (differs(opened.name, found.name)) {
    return mismatch("ESTALE", `it is another export: its name is "${found.name}" instead of "${opened.name}"`);
  }
  if (differs(opened.description, found.description)) {
    const names = `"${found.description}" instead of "${opened.description}"`;
    return mismatch("ESTALE", `it is another export: its description is ${names}`);
  }
  if (now.requestAlignment > declared.requestAlignment) {
    const sizes = `${now.requestAlignment} bytes instead of ${declared.requestAlignment}`;
    return mismatch("ESTALE", `its minimum block size is ${sizes}`);
  }
  if (now.maxTransfer < declared.maxTransfer) {
    const sizes = `${now.maxTransfer} bytes instead of ${declared.maxTransfer}`;
    return mismatch("ESTALE", `its maximum payload is ${sizes}`);
  }
  const lacking = FEATURES.filter(([feature]) => declared[feature] && !now[feature]).map(([, name]) => name);
  if (lacking.length > 0) return mismatch("ESTALE", `it no longer offers ${lacking.join(", ")}`);
  return null;
}

/** An export that came back but must not be used. */
export function mismatch(code: "ESTALE" | "EROFS", why: string): BlockError {
  return new BlockError(`the export came back, but ${why}`, { code });
}

/** Both are known, and they are not the same. */
function differs(before: string | null, now: string | null): boolean {
  return before !== null && now !== null && before !== now;
}
