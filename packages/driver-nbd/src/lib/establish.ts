import { BlockError, createRequest, toBlockError, type Clock } from "@rehandle/driver-sdk";
import { protocolError } from "@rehandle/nbd/protocol";
import { loadSockets } from "@rehandle/linux-sockets";
import { wasRefused } from "./backoff.ts";
import { Channel } from "./channel.ts";
import { Connection, type ConnectionOwner } from "./connection.ts";
import type { ByteRange, NbdDriverSettings, NbdServerAddress } from "./driver-options.ts";
import { capabilitiesOf } from "./export-capabilities.ts";
import { handshake, type NegotiatedExport } from "./handshake.ts";
import { lostError } from "./nbd-errors.ts";
import { PendingPool } from "./pending-request.ts";

/** A connection that is ready for requests. */
export interface Established {
  readonly connection: Connection;
  readonly exported: NegotiatedExport;
  /** The bytes of the `identity` option; null without it. */
  readonly identity: Uint8Array | null;
}

/** A failed try. */
export interface FailedTry {
  readonly error: BlockError;
  /** Nobody listens there: that was found out at once. */
  readonly refused: boolean;
}

/**
 * Dials, shakes hands, and reads the identity if one is wanted.
 * @throws FailedTry (as a rejection); nothing is left open then.
 */
export async function establish(
  settings: NbdDriverSettings,
  generation: number,
  owner: ConnectionOwner,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Promise<Established> {
  let channel: Channel;
  try {
    channel = await Channel.dial(settings.server, settings.tlsCreds !== null, signal);
  } catch (cause) {
    throw dialFailure(settings.server, cause);
  }
  try {
    const { negotiated: exported, unread } = await handshake(channel, settings, signal);
    if (unread.length > 0 || (await goRaw(channel, settings, clock, signal)).length > 0)
      throw protocolError("a reply before any request");
    const { structured, allocationId } = exported;
    const { size, requestAlignment } = capabilitiesOf(exported);
    const connection = new Connection(channel, { structured, allocationId, size }, generation, owner);
    const { identity: range } = settings;
    if (range === null) return { connection, exported, identity: null };
    if (range.offset + range.length > size)
      throw new BlockError("the identity is outside of the export", { code: "EINVAL" });
    const identity = await readRange(connection, range, requestAlignment, signal);
    connection.setOwner(owner);
    return { connection, exported, identity };
  } catch (cause) {
    channel.destroy();
    const error = signal.aborted ? toBlockError(signal.reason) : toBlockError(cause);
    throw { error, refused: false } satisfies FailedTry;
  }
}

/** What the handshake has left of the channel's bytes, if it goes on by system calls; nothing may come before a request. */
async function goRaw(
  channel: Channel,
  settings: NbdDriverSettings,
  clock: Clock,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const sockets = settings.sockets === "node" || settings.tlsCreds !== null ? null : await loadSockets();
  signal.throwIfAborted();
  return sockets === null ? new Uint8Array(0) : channel.goRaw(sockets, clock);
}

function dialFailure(server: NbdServerAddress, cause: unknown): FailedTry {
  const where = server.type === "unix" ? server.path : `${server.host}:${server.port}`;
  // A name with several addresses fails with one error for each, under a common code and without a text.
  const first: unknown = cause instanceof AggregateError ? cause.errors[0] : cause;
  const { message } = toBlockError(first);
  const { code } = toBlockError(cause);
  const error = lostError(`Failed to connect to '${where}': ${message}`, cause, "ECONNREFUSED");
  return { error, refused: wasRefused(code) };
}

/** Reads a few bytes through a connection that nobody else uses yet. */
function readRange(
  connection: Connection,
  range: ByteRange,
  alignment: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const offset = range.offset - (range.offset % alignment);
  const end = Math.ceil((range.offset + range.length) / alignment) * alignment;
  const buffer = new Uint8Array(end - offset);
  const request = createRequest({ operation: "read", offset, length: buffer.length, iov: [buffer] });
  const pending = new PendingPool().take(request);
  pending.offset = offset;
  pending.length = buffer.length;
  return new Promise((resolve, reject) => {
    connection.setOwner({
      answered: () => {
        if (pending.error === null) resolve(buffer.slice(range.offset - offset, range.offset - offset + range.length));
        else reject(pending.error);
      },
      lost: (_connection, error) => reject(error),
      writable: () => {},
      ended: () => {},
    });
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    connection.add(pending);
    connection.send();
  });
}
