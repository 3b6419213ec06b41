import type { BlockDriver, DriverCapabilities } from "@rehandle/driver-sdk";
import {
  NBD_DEFAULT_MAX_PAYLOAD,
  NBD_FLAG_CAN_MULTI_CONN,
  NBD_FLAG_HAS_FLAGS,
  NBD_FLAG_READ_ONLY,
  NBD_FLAG_ROTATIONAL,
  NBD_FLAG_SEND_CACHE,
  NBD_FLAG_SEND_DF,
  NBD_FLAG_SEND_FAST_ZERO,
  NBD_FLAG_SEND_FLUSH,
  NBD_FLAG_SEND_FUA,
  NBD_FLAG_SEND_TRIM,
  NBD_FLAG_SEND_WRITE_ZEROES,
} from "../protocol/constants.ts";
import type { BlockSizes } from "../protocol/info.ts";

/** Storage that a server offers under a name. */
export interface NbdExport {
  /** What clients ask for; up to 4096 bytes of UTF-8. */
  readonly name: string;
  /** Text for people, shown by `nbdinfo --list`; up to 4096 bytes of UTF-8. Default empty. */
  readonly description?: string;
  /** The storage, already open. The server neither opens nor closes it, and may share it with others. */
  readonly driver: BlockDriver;
  /** Clients may write. Default false, as in QEMU. Storage that is read-only itself is exported read-only anyway. */
  readonly writable?: boolean;
  /**
   * True while the storage should be given no more requests, as when very many are held. Clients' requests then stay in
   * their sockets. Whoever knows that it is over calls {@link NbdServer.resume}. Default: never.
   */
  readonly isCongested?: () => boolean;
  /** Clients that give an empty name get this export. Default false; at most one export can have it. */
  readonly default?: boolean;
}

/** True if clients of the export cannot write. */
function isReadOnly(nbdExport: NbdExport, capabilities: DriverCapabilities): boolean {
  return capabilities.readOnly || nbdExport.writable !== true;
}

/** Bytes that a client sees: the storage's size down to a multiple of its alignment. */
export function exportSize(capabilities: DriverCapabilities): number {
  return capabilities.size - (capabilities.size % capabilities.requestAlignment);
}

/**
 * The transmission flags of an export, as its driver's capabilities are now. FLUSH and FUA are always there: storage
 * without a flush has nothing to lose, and FUA is made of a write and a flush where the driver lacks it.
 */
export function transmissionFlags(
  nbdExport: NbdExport,
  capabilities: DriverCapabilities,
  structuredReplies: boolean,
): number {
  const readOnly = isReadOnly(nbdExport, capabilities);
  let flags = NBD_FLAG_HAS_FLAGS | NBD_FLAG_SEND_FLUSH | NBD_FLAG_SEND_FUA | NBD_FLAG_SEND_CACHE;
  if (readOnly) flags |= NBD_FLAG_READ_ONLY;
  if (capabilities.rotational) flags |= NBD_FLAG_ROTATIONAL;
  if (structuredReplies) flags |= NBD_FLAG_SEND_DF;
  if (capabilities.discard && !readOnly) flags |= NBD_FLAG_SEND_TRIM;
  if (capabilities.writeZeroes && !readOnly) flags |= NBD_FLAG_SEND_WRITE_ZEROES;
  if (capabilities.writeZeroes && capabilities.fastZero && !readOnly) flags |= NBD_FLAG_SEND_FAST_ZERO;
  // Without writers every connection sees the same data whatever the storage promises.
  if (capabilities.multiConn || readOnly) flags |= NBD_FLAG_CAN_MULTI_CONN;
  return flags;
}

/** The block-size constraints of an export. */
export function blockSizes(capabilities: DriverCapabilities): BlockSizes {
  const { requestAlignment, preferredBlockSize, maxTransfer } = capabilities;
  const most = Math.max(512, requestAlignment, Math.min(maxTransfer, NBD_DEFAULT_MAX_PAYLOAD));
  const largestPower = 2 ** Math.floor(Math.log2(most));
  const preferred = Math.min(Math.max(512, requestAlignment, preferredBlockSize), largestPower);
  return { minimum: requestAlignment, preferred, maximum: most - (most % preferred) };
}
