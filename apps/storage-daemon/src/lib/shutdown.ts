import { BlockError, type Clock } from "@rehandle/driver-sdk";
import type { BackendWatch } from "./backend-watch.ts";
import { count } from "./count.ts";
import type { Daemon } from "./daemon.ts";
import { flushNode } from "./flush-node.ts";
import type { Log } from "./log.ts";

/** How long requests of guests that are on their way may take, ms. */
const GUEST_GRACE = 200;
/** How long held requests may wait for the storage to come back, ms. */
const HELD_GRACE = 1000;
/** How long requests on their way may take after that, ms. */
const EXPORT_DEADLINE = 500;
/** How long clients may take to hear their last answers, ms. */
const CLIENT_GRACE = 2500;
/** How long monitors may take to hear their last answers, ms. */
const MONITOR_GRACE = 500;

/**
 * Brings a daemon to rest: no new clients, held requests get a moment for their storage to come back and then fail with
 * ESHUTDOWN, clients are answered and disconnected, nodes are flushed and closed. Takes some five seconds at most, which
 * the caller enforces.
 */
export async function shutDown(daemon: Daemon, clock: Clock, onExportsGone: () => void): Promise<void> {
  const { chardevs, graph, log, monitors, watches } = daemon;
  for (const chardev of chardevs.values()) chardev.closeListener();
  // A guest's requests stay with its QEMU, which hands them to the daemon that comes after this one: none must fail.
  await daemon.closeExports("vhost-user-blk", GUEST_GRACE);
  const clients = daemon.closeExports("nbd", CLIENT_GRACE);
  await Promise.all([...watches.values()].map((watch) => settle(watch, log)));
  await clients;
  onExportsGone();
  const roots = graph.nodes.filter(({ users }) => users.size === 0);
  await Promise.all(roots.map((node) => flushNode(node, clock, log)));
  for (const watch of watches.values()) warnOfUnflushed(watch, log);
  await graph.closeAll();
  await monitors.close(clock, MONITOR_GRACE);
  for (const chardev of chardevs.values()) chardev.close();
}

/** Held requests come to their end, one way or another. */
async function settle({ name, backend }: BackendWatch, log: Log): Promise<void> {
  if (backend.drainState !== "normal") return;
  const { held } = await backend.drain({ held: "wait", deadline: HELD_GRACE });
  backend.drainEnd();
  if (held === 0 && backend.statistics().queuedNow === 0) return;
  const { exported } = await backend.drain({ held: "export", deadline: EXPORT_DEADLINE });
  backend.drainEnd();
  for (const { request } of exported) {
    const { operation, offset, length } = request;
    const message = "the daemon is shutting down";
    request.complete(request, new BlockError(message, { code: "ESHUTDOWN", operation, offset, length }));
  }
  const refused = count(exported.length, "held request");
  if (exported.length > 0) log.write("warning", name, `${refused} refused with ESHUTDOWN`);
}

function warnOfUnflushed({ name, backend }: BackendWatch, log: Log): void {
  const { count: writes, bytes } = backend.statistics().replayLog;
  if (writes === 0) return;
  const what = `${count(writes, "acknowledged write")} (${bytes} bytes) that no client flushed`;
  log.write("warning", name, `lost if the storage restarted since: ${what}`);
}
