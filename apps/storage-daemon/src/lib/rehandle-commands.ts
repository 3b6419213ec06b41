import type { Clock } from "@rehandle/driver-sdk";
import { QmpError, type QmpHandlers } from "@rehandle/qapi";
import type { BackendWatch } from "./backend-watch.ts";
import type { Unflushed } from "./delete-node.ts";
import type { DaemonSchema } from "./qmp-schema.ts";
import { describeBackend, describeRequests, describeStatistics } from "./rehandle-info.ts";

/** What they work with. */
export interface RehandleCommandParts {
  readonly clock: Clock;
  /** The watches of all `rehandle` nodes by node-name. */
  readonly watches: ReadonlyMap<string, BackendWatch>;
  /** Deletes a node although acknowledged writes may be lost. */
  readonly forceDelete: (name: string) => Promise<Unflushed>;
}

/** Held requests that one query shows at most. */
const MAX_REQUESTS = 1000;

/** The commands about held requests, which QEMU does not have. */
export function rehandleCommands(parts: RehandleCommandParts): QmpHandlers<DaemonSchema> {
  return { ...queries(parts), ...verbs(parts) };
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

function verbs({ watches, forceDelete }: RehandleCommandParts): QmpHandlers<DaemonSchema> {
  return {
    "rehandle-pause": (args) => one(watches, args["node-name"]).backend.pause(),
    "rehandle-resume": (args) => one(watches, args["node-name"]).resume(),
    "rehandle-retry-now": (args) => one(watches, args["node-name"]).backend.retryNow(),
    "rehandle-extend": (args) => one(watches, args["node-name"]).backend.extend(args.ms),
    "rehandle-fail": (args) => {
      const { backend } = one(watches, args["node-name"]);
      return { failed: args.id === undefined ? backend.failHeld() : backend.failHeld(Number(args.id)) };
    },
    "rehandle-drain": async (args) => {
      const { backend } = one(watches, args["node-name"]);
      const before = backend.statistics().completed;
      const { failed } = await backend.drain({ held: args.held ?? "wait" });
      backend.drainEnd();
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
