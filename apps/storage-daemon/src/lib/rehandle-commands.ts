import type { Clock } from "@rehandle/driver-sdk";
import { QmpError, type QmpHandlers } from "@rehandle/qapi";
import type { BackendWatch } from "./backend-watch.ts";
import { count } from "./count.ts";
import type { Unflushed } from "./delete-node.ts";
import type { Log } from "./log.ts";
import type { DaemonSchema } from "./qmp-schema.ts";
import { describeBackend, describeRequests, describeStatistics } from "./rehandle-info.ts";

/** What they work with. */
export interface RehandleCommandParts {
  readonly clock: Clock;
  /** Has a line of what a monitor did to requests, so that nobody looks for another reason. */
  readonly log: Log;
  /** The watches of all `rehandle` nodes by node-name. */
  readonly watches: ReadonlyMap<string, BackendWatch>;
  /** Deletes a node although acknowledged writes may be lost. */
  readonly forceDelete: (name: string) => Promise<Unflushed>;
}

/** Held requests that one query shows at most. */
const MAX_REQUESTS = 1000;

/** The commands about held requests, which QEMU does not have. */
export function rehandleCommands(parts: RehandleCommandParts): QmpHandlers<DaemonSchema> {
  return { ...queries(parts), ...delays(parts), ...endings(parts) };
}

function queries({ clock, watches }: RehandleCommandParts): QmpHandlers<DaemonSchema> {
  return {
    "query-rehandle": (args) => chosen(watches, args["node-name"]).map(describeBackend),
    "query-rehandle-statistics": (args) => chosen(watches, args["node-name"]).map(describeStatistics),
    "query-rehandle-requests": (args) => {
      const { backend } = one(watches, args["node-name"]);
      return describeRequests(backend, Math.min(args.limit ?? 100, MAX_REQUESTS), clock);
    },
  };
}

/** What makes requests wait longer, or not so long. */
function delays({ watches, log }: RehandleCommandParts): QmpHandlers<DaemonSchema> {
  return {
    "rehandle-pause": (args) => {
      const { backend, name } = one(watches, args["node-name"]);
      backend.pause();
      log.limited("pause", "info", name, "paused by a monitor");
    },
    "rehandle-resume": (args) => {
      const watch = one(watches, args["node-name"]);
      log.limited("resume", "info", watch.name, "resumed by a monitor");
      watch.resume();
    },
    "rehandle-retry-now": (args) => one(watches, args["node-name"]).backend.retryNow(),
    "rehandle-extend": (args) => {
      const { backend, name } = one(watches, args["node-name"]);
      backend.extend(args.ms);
      if (backend.hangState === "hang")
        log.limited("extend", "info", name, `outage extended by a monitor: ${args.ms} ms`);
    },
  };
}

/** What brings requests to their end. */
function endings({ watches, forceDelete, log }: RehandleCommandParts): QmpHandlers<DaemonSchema> {
  return {
    "rehandle-fail": (args) => {
      const { backend, name } = one(watches, args["node-name"]);
      const failed = args.id === undefined ? backend.failHeld() : backend.failHeld(Number(args.id));
      if (failed > 0) log.limited("fail", "warning", name, `${count(failed, "held request")} failed by a monitor`);
      return { failed };
    },
    "rehandle-drain": async (args) => {
      const { backend, name } = one(watches, args["node-name"]);
      const before = backend.statistics().completed;
      const { failed } = await backend.drain({ held: args.held ?? "wait" });
      backend.drainEnd();
      if (failed > 0)
        log.limited("drain", "warning", name, `${count(failed, "held request")} failed by a monitor's drain`);
      return { completed: backend.statistics().completed - before - failed, failed };
    },
    "rehandle-del": async (args) => {
      const { count, bytes } = await forceDelete(args["node-name"]);
      return { unflushed: count, "unflushed-bytes": bytes };
    },
  };
}

function chosen(watches: RehandleCommandParts["watches"], name: string | undefined): BackendWatch[] {
  return name === undefined ? [...watches.values()] : [one(watches, name)];
}

function one(watches: RehandleCommandParts["watches"], name: string): BackendWatch {
  const watch = watches.get(name);
  if (watch === undefined) throw new QmpError(`Failed to find rehandle node with node-name='${name}'`);
  return watch;
}
