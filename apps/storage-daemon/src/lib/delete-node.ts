import type { Clock } from "@rehandle/driver-sdk";
import { flushNode } from "./flush-node.ts";
import type { Log } from "./log.ts";
import type { Node } from "./node.ts";
import type { NodeGraph } from "./node-graph.ts";
import { UsageError } from "./usage-error.ts";

/** What deleting works with. */
export interface DeleteParts {
  readonly graph: NodeGraph;
  readonly clock: Clock;
  readonly log: Log;
}

/** Acknowledged writes that may be lost. */
export interface Unflushed {
  readonly count: number;
  readonly bytes: number;
}

/**
 * Deletes a node that nothing uses, and the nodes that were made for it alone. Waits a moment for a last flush. Where
 * acknowledged writes are not on the storage after that the node stays, unless `force` is given.
 *
 * @returns what was given up by `force`
 * @throws UsageError (as a rejection) in QEMU's words
 */
export async function deleteNode(name: string, force: boolean, { graph, clock, log }: DeleteParts): Promise<Unflushed> {
  const node = findUnused(name, graph);
  await flushNode(node, clock, log);
  // Others may have come to it meanwhile, or been faster.
  if (findUnused(name, graph) !== node) throw new UsageError(`Node ${name} is in use`);
  const unflushed = unflushedWrites(node);
  if (unflushed.count > 0 && !force) {
    const writes = `${unflushed.count} (${unflushed.bytes} bytes)`;
    throw new UsageError(`Node ${name} is in use: acknowledged writes are not on its storage yet: ${writes}`);
  }
  if (unflushed.count > 0) {
    const what = `acknowledged writes that were not flushed: ${unflushed.count} (${unflushed.bytes} bytes)`;
    log.write("warning", name, `deleted with ${what}; they are lost if the storage restarted since`);
  }
  await graph.close(node);
  return unflushed;
}

function findUnused(name: string, graph: NodeGraph): Node {
  const node = graph.get(name);
  if (node === undefined) throw new UsageError(`Failed to find node with node-name='${name}'`);
  if (node.device !== "" || node.users.size > node.parents.size) throw new UsageError(`Node ${name} is in use`);
  if (node.isOwned) throw new UsageError(`Node ${name} is not owned by the monitor`);
  if (node.users.size > 0) throw new UsageError(`Block device ${name} is in use`);
  return node;
}

/** Of the node, and of the nodes that go with it. */
function unflushedWrites({ backend, child }: Node): Unflushed {
  const below = child !== null && child.isOwned && child.users.size === 1 ? unflushedWrites(child) : NOTHING;
  const own = backend === null ? NOTHING : backend.statistics().replayLog;
  return { count: own.count + below.count, bytes: own.bytes + below.bytes };
}

const NOTHING: Unflushed = { count: 0, bytes: 0 };
