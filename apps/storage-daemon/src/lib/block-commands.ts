import { QmpError, type QmpHandlers } from "@rehandle/qapi";
import type { BackendWatch } from "./backend-watch.ts";
import type { BlockExports } from "./block-exports.ts";
import { describeDrive, describeNode } from "./block-info.ts";
import type { Node } from "./node.ts";
import type { NodeGraph } from "./node-graph.ts";
import { blockdevOption, exportOption, nbdServerOption, objectOption } from "./option-table.ts";
import type { ExportSettings, NbdServerSettings, NodeOptions, ObjectSettings, SocketAddress } from "./option-types.ts";
import type { DaemonSchema } from "./qmp-schema.ts";
import { resizeNode } from "./resize-node.ts";
import { UsageError } from "./usage-error.ts";

/** What changes the daemon: the command line does it by the same. All throw UsageError (as a rejection) in QEMU's words. */
export interface Changes {
  addNode(options: NodeOptions): Promise<void>;
  deleteNode(name: string): Promise<void>;
  addExport(settings: ExportSettings): Promise<void>;
  startNbdServer(settings: NbdServerSettings): Promise<void>;
  stopNbdServer(): Promise<void>;
  addObject(settings: ObjectSettings): Promise<void>;
  deleteObject(id: string): void;
}

/** What the commands work with. */
export interface BlockCommandParts {
  readonly changes: Changes;
  readonly graph: NodeGraph;
  readonly exports: BlockExports;
  /** The drives by id. */
  readonly drives: ReadonlyMap<string, Node | null>;
  /** The watches of all `rehandle` nodes by node-name. */
  readonly watches: ReadonlyMap<string, BackendWatch>;
}

/** The commands that QEMU's daemon has. */
export function blockCommands(parts: BlockCommandParts): QmpHandlers<DaemonSchema> {
  return { ...queries(parts), ...nodeCommands(parts), ...exportCommands(parts), ...serverCommands(parts) };
}

function queries({ graph, exports, drives, watches }: BlockCommandParts): QmpHandlers<DaemonSchema> {
  const watchOf = (node: Node | null): BackendWatch | null => (node && watches.get(node.name)) ?? null;
  return {
    "query-block": () => Promise.all([...drives].map(([id, node]) => describeDrive(id, node, watchOf(node)))),
    "query-named-block-nodes": () => Promise.all(graph.nodes.toReversed().map(describeNode)),
    "query-block-exports": () =>
      exports.all.toReversed().map(({ id, type, node }) => ({
        id,
        type,
        "node-name": node.name,
        "shutting-down": exports.isShuttingDown(id),
      })),
  };
}

function nodeCommands({ changes, graph, drives }: BlockCommandParts): QmpHandlers<DaemonSchema> {
  return {
    "blockdev-add": (args) => {
      if (args.driver === "nbd") refuseDescriptor(args.server);
      return changes.addNode(blockdevOption.fromJson(args));
    },
    "blockdev-del": (args) => changes.deleteNode(args["node-name"]),
    block_resize: (args) => {
      const { device = "", "node-name": nodeName = "" } = args;
      const node = nodeName === "" ? drives.get(device) : graph.get(nodeName);
      if (!node) throw new QmpError(`Cannot find device='${device}' nor node-name='${nodeName}'`);
      return resizeNode(node, Number(args.size));
    },
  };
}

function exportCommands({ changes, exports, graph, drives }: BlockCommandParts): QmpHandlers<DaemonSchema> {
  return {
    "block-export-add": (args) => {
      if (args.type === "vhost-user-blk") refuseDescriptor(args.addr);
      return changes.addExport(exportOption.fromJson(args));
    },
    "block-export-del": ({ id, mode }) => exports.delete(id, mode),
    "nbd-server-add": (args) => {
      const { device, name = device, description, writable = false, bitmap } = args;
      const node = drives.get(device) ?? graph.find(device, device);
      return changes.addExport({
        type: "nbd",
        id: name,
        "node-name": node.name,
        name,
        // A node that cannot be written to is exported all the same, as QEMU does here.
        writable: writable && !node.capabilities.readOnly,
        ...(description === undefined ? {} : { description }),
        ...(bitmap === undefined ? {} : { bitmaps: [bitmap] }),
      });
    },
    "nbd-server-remove": ({ name, mode }) => {
      const found = exports.get(name);
      if (found !== undefined && found.type !== "nbd") {
        throw new UsageError(`Block export '${name}' is not an NBD export`);
      }
      return exports.delete(name, mode);
    },
  };
}

function serverCommands({ changes }: BlockCommandParts): QmpHandlers<DaemonSchema> {
  return {
    "nbd-server-start": ({ addr, ...args }) => {
      const flat = { type: addr.type, ...addr.data };
      refuseDescriptor(flat);
      return changes.startNbdServer(nbdServerOption.fromJson({ ...args, addr: flat }));
    },
    "nbd-server-stop": () => changes.stopNbdServer(),
    "object-add": (args) => changes.addObject(objectOption.fromJson(args)),
    "object-del": ({ id }) => changes.deleteObject(id),
  };
}

/** A monitor cannot pass descriptors, and those of the process are none of its business. */
function refuseDescriptor({ type }: Pick<SocketAddress, "type">): void {
  if (type === "fd") throw new UsageError("only QEMU supports file descriptor passing");
}
