import type { BlockBackend } from "@rehandle/core";
import type { BlockDriver, DriverCapabilities, DriverEvent } from "@rehandle/driver-sdk";
import type { NodeFlags } from "./node-flags.ts";
import type { NodeOptions } from "./option-types.ts";

/** A node of the graph: an open driver and what it was made of. */
export interface Node {
  /** As given, or generated: `#block123`. */
  readonly name: string;
  readonly options: NodeOptions;
  readonly flags: NodeFlags;
  /** Made for its parent alone, and goes with it. */
  readonly isOwned: boolean;
  /** Id of the drive whose topmost node it is; "" if of none. */
  readonly device: string;
  readonly driver: BlockDriver;
  /** The driver once more, if it is a `rehandle` node. */
  readonly backend: BlockBackend | null;
  readonly child: Node | null;
  /** What the users of the node are shown: less than the driver can do where the flags say so. */
  readonly capabilities: DriverCapabilities;
  /** The views of those who use the node: nodes and exports. */
  readonly users: Set<BlockDriver>;
  /** The nodes that stand on it. */
  readonly parents: Set<Node>;
  /** A node above holds failed requests; see `OpenContext.held`. */
  readonly isHeld: boolean;
  /** Hear the driver's events. */
  readonly listeners: Set<(event: DriverEvent) => void>;
  /** What was last heard of the connection, if it is not there: for users that come later. */
  readonly trouble: DriverEvent | null;
}

/** True while a `rehandle` node here or below holds so much that it should be given no more. */
export function isCongested(node: Node): boolean {
  return node.backend?.congested === true || (node.child !== null && isCongested(node.child));
}

/** True while the way to the storage is known to be lost, requests are held, or were given up. */
export function isAway(node: Node): boolean {
  if (node.trouble !== null) return true;
  if (node.backend !== null) {
    if (node.backend.hangState !== "normal" || node.backend.statistics().zombiesNow > 0) return true;
  }
  return node.child !== null && isAway(node.child);
}
