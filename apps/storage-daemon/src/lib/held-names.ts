import type { NodeOptions } from "./node-types.ts";

/**
 * The names of the nodes that stand below a `rehandle` node, which holds their failed requests. A node has to know that
 * when it is opened, and on a command line it is opened before its parents are read.
 *
 * @param nodes in the order of the command line: children before parents
 */
export function heldNames(nodes: readonly NodeOptions[]): Set<string> {
  const held = new Set<string>();
  for (const node of nodes.toReversed()) {
    const name = node["node-name"];
    addHeld(node, name !== undefined && held.has(name), held);
  }
  return held;
}

function addHeld(node: NodeOptions, isHeld: boolean, held: Set<string>): void {
  if (!("file" in node)) return;
  const holds = isHeld || node.driver === "rehandle";
  if (typeof node.file !== "string") addHeld(node.file, holds, held);
  else if (holds) held.add(node.file);
}
