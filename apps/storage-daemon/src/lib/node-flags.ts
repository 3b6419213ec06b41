import type { NodeOptions } from "./option-types.ts";
import { UsageError } from "./usage-error.ts";

/** What holds for a node and, unless they say otherwise, for the nodes that are made for it alone. */
export interface NodeFlags {
  readonly readOnly: boolean;
  readonly autoReadOnly: boolean;
  readonly direct: boolean;
  readonly unmap: boolean;
}

/** What holds for a node that nobody says anything about. */
export const ROOT_FLAGS: NodeFlags = { readOnly: false, autoReadOnly: false, direct: false, unmap: false };

/**
 * The flags that a node's options give it.
 *
 * @throws UsageError for what does not fit together, and for what is not supported
 */
export function nodeFlags(options: NodeOptions, inherited: NodeFlags): NodeFlags {
  const { cache, discard } = options;
  const detectZeroes = options["detect-zeroes"];
  const unmap = discard === undefined ? inherited.unmap : discard === "unmap";
  if (detectZeroes === "unmap" && !unmap) {
    throw new UsageError("setting detect-zeroes to unmap is not allowed without setting discard operation to unmap");
  }
  if (detectZeroes !== "off") throw new UsageError(`detect-zeroes=${detectZeroes} is not supported`);
  if (cache?.["no-flush"] === true) throw new UsageError("cache.no-flush=on is not supported");
  return {
    readOnly: options["read-only"] ?? inherited.readOnly,
    autoReadOnly: options["auto-read-only"] ?? inherited.autoReadOnly,
    direct: cache?.direct ?? inherited.direct,
    unmap,
  };
}
