import type { Clock } from "@rehandle/driver-sdk";
import { createVhostUserServer, type VhostUserEvent, type VhostUserServer } from "@rehandle/vhost-user";
import type { BlockExport, ExportBase } from "./block-export.ts";
import { errnoOf } from "./errno-words.ts";
import type { Log } from "./log.ts";
import { isCongested } from "./node.ts";
import type { SocketAddress } from "./option-types.ts";
import type { ExportSettings } from "./option-types.ts";
import { clearSocketPath, listenFailure } from "./socket-path.ts";
import { UsageError } from "./usage-error.ts";

type Settings = Extract<ExportSettings, { type: "vhost-user-blk" }>;

/** What such an export works with. */
export interface VhostUserExportParts {
  readonly clock: Clock;
  readonly log: Log;
}

/** QEMU takes up to 65535, and its front end uses no more than 1024. */
const MOST_QUEUES = 256;
/** QEMU's bounds of `logical-block-size`, bytes, and what Linux and the device go up to. */
const LEAST_BLOCK = 512;
const LONGEST_BLOCK = 2 * 1024 * 1024;
const LONGEST_HERE = 65536;

/**
 * Makes a node a guest's disk.
 *
 * @throws UsageError (as a rejection) in QEMU's words
 */
export async function startVhostUserExport(
  settings: Settings,
  base: ExportBase,
  { clock, log }: VhostUserExportParts,
): Promise<BlockExport> {
  const { id, node, view, writable } = base;
  const { addr } = settings;
  checkBlockSize(settings, view.capabilities.requestAlignment);
  checkQueues(settings["num-queues"]);
  const place = await listeningPlace(addr);
  const server = createVhostUserServer({
    ...place,
    driver: view,
    clock,
    writable,
    // What the guest shows below /dev/disk/by-id.
    serial: id,
    numQueues: settings["num-queues"],
    logicalBlockSize: Math.max(settings["logical-block-size"], view.capabilities.requestAlignment),
    isCongested: () => isCongested(node),
    onEvent: (event) => report(event, id, log),
  });
  await listen(server, addr);
  log.write("info", id, `vhost-user-blk listening on ${"path" in place ? place.path : `file descriptor ${place.fd}`}`);
  return {
    type: "vhost-user-blk",
    id,
    node,
    get clients() {
      return server.connected ? 1 : 0;
    },
    resume: () => server.resume(),
    onResized: () => server.notifyResized(),
    close: (graceMs) => server.close({ graceMs }),
  };
}

function checkBlockSize(settings: Settings, alignment: number): void {
  const { id, "logical-block-size": size } = settings;
  const property = `Property ${id}.logical-block-size doesn't take value`;
  if (size < LEAST_BLOCK || size > LONGEST_BLOCK) {
    throw new UsageError(`${property} ${size} (minimum: ${LEAST_BLOCK}, maximum: ${LONGEST_BLOCK})`);
  }
  if (!Number.isInteger(Math.log2(size))) throw new UsageError(`${property} '${size}', it's not a power of 2`);
  if (Math.max(size, alignment) > LONGEST_HERE) {
    throw new UsageError(`logical-block-size=${size} is not supported: at most ${LONGEST_HERE}`);
  }
}

function checkQueues(count: number): void {
  if (count === 0) throw new UsageError("num-queues must be greater than 0");
  if (count > MOST_QUEUES) throw new UsageError(`num-queues=${count} is not supported: at most ${MOST_QUEUES}`);
}

async function listeningPlace(addr: SocketAddress): Promise<{ path: string } | { fd: number }> {
  if (addr.type === "unix") {
    await clearSocketPath(addr.path);
    return { path: addr.path };
  }
  if (addr.type !== "fd") throw new UsageError("Only socket address types 'unix' and 'fd' are supported");
  if (!/^[0-9]{1,9}$/.test(addr.str)) throw new UsageError(`File descriptor '${addr.str}' is not a socket`);
  return { fd: Number(addr.str) };
}

async function listen(server: VhostUserServer, addr: SocketAddress): Promise<void> {
  try {
    await server.listen();
  } catch (error) {
    const code = errnoOf(error);
    const isSystem = /^E[A-Z]+$/.test(code);
    if (isSystem && addr.type === "unix") throw listenFailure(addr.path, error);
    if (isSystem && addr.type === "fd") throw new UsageError(`File descriptor '${addr.str}' is not a socket`);
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function report(event: VhostUserEvent, id: string, log: Log): void {
  if (event.type === "connected") {
    log.limited("guest", "info", id, "front end connected");
  } else if (event.type === "disconnected") {
    const { reason } = event;
    if (reason === null) log.limited("guest", "info", id, "front end disconnected");
    else log.limited("guest lost", "warning", id, `connection given up: ${reason.code}: ${reason.message}`);
  } else if (event.type === "broken") {
    log.limited(
      "broken",
      "warning",
      id,
      `the guest broke queue ${event.queue}, its driver must reset: ${event.reason}`,
    );
  } else {
    log.limited("accept", "error", id, `nobody can connect for now: ${event.error.message}`);
  }
}
