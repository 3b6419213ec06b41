import type { Clock } from "@rehandle/driver-sdk";
import { QmpError, type QmpHandlers } from "@rehandle/qapi";
import type { BackendWatch } from "./backend-watch.ts";
import type { BlockExports } from "./block-exports.ts";
import { describeDrive, describeNode } from "./block-info.ts";
import type { Node } from "./node.ts";
import type { NodeGraph } from "./node-graph.ts";
import type { DaemonSchema } from "./qmp-schema.ts";
import { resizeNode } from "./resize-node.ts";
import { describeBackend, describeRequests, describeStatistics } from "./rehandle-info.ts";

/** What commands look at and work on. */
export interface CommandParts {
  readonly clock: Clock;
  readonly graph: NodeGraph;
  readonly exports: BlockExports;
  /** The drives by id. */
  readonly drives: ReadonlyMap<string, Node | null>;
  /** The watches of all `rehandle` nodes by node-name. */
  readonly watches: ReadonlyMap<string, BackendWatch>;
  /** Ends the program; resolves when the command is to be answered. */
  readonly quit: () => Promise<void>;
}

/** Held requests that one query shows at most. */
const MAX_REQUESTS = 1000;

/** The commands of the daemon's monitors. */
export function qmpCommands(parts: CommandParts): QmpHandlers<DaemonSchema> {
  return {
    ...blockQueries(parts),
    ...blockChanges(parts),
    ...rehandleQueries(parts),
    ...operatorVerbs(parts),
    quit: parts.quit,
  };
}

function blockQueries({ graph, exports, drives, watches }: CommandParts): QmpHandlers<DaemonSchema> {
  return {
    "query-block": () => Promise.all([...drives].map(([id, node]) => describeDrive(id, node, watchOf(watches, node)))),
    "query-named-block-nodes": () => Promise.all(graph.nodes.toReversed().map(describeNode)),
    "query-block-exports": () =>
      exports.all.map(({ id, type, node }) => ({
        id,
        type,
        "node-name": node.name,
        "shutting-down": exports.isClosing,
      })),
  };
}

function blockChanges({ graph, drives }: CommandParts): QmpHandlers<DaemonSchema> {
  return {
    block_resize: (args) => {
      const { device = "", "node-name": nodeName = "" } = args;
      const node = nodeName === "" ? drives.get(device) : graph.nodes.find(({ name }) => name === nodeName);
      if (!node) throw new QmpError(`Cannot find device='${device}' nor node-name='${nodeName}'`);
      return resizeNode(node, Number(args.size));
    },
  };
}

function rehandleQueries({ clock, watches }: CommandParts): QmpHandlers<DaemonSchema> {
  return {
    "query-rehandle": (args) => chosen(watches, args["node-name"]).map(describeBackend),
    "query-rehandle-statistics": (args) => chosen(watches, args["node-name"]).map(describeStatistics),
    "query-rehandle-requests": (args) => {
      const { backend } = one(watches, args["node-name"]);
      return describeRequests(backend, Math.min(args.limit ?? 100, MAX_REQUESTS), clock);
    },
  };
}

function operatorVerbs({ watches }: CommandParts): QmpHandlers<DaemonSchema> {
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
  };
}

function watchOf(watches: CommandParts["watches"], node: Node | null): BackendWatch | null {
  return node === null ? null : (watches.get(node.name) ?? null);
}

function chosen(watches: CommandParts["watches"], name: string | undefined): BackendWatch[] {
  return name === undefined ? [...watches.values()] : [one(watches, name)];
}

function one(watches: CommandParts["watches"], name: string): BackendWatch {
  const watch = watches.get(name);
  if (watch === undefined) throw new QmpError(`Failed to find rehandle node with node-name='${name}'`);
  return watch;
}
