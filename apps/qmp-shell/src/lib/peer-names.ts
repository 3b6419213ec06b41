import { fieldsList, fieldText } from "./fields.ts";
import type { NameLookup } from "./completion.ts";
import type { Peer } from "./peer.ts";

/** Nobody waits longer than this for a completion, ms. */
const PATIENCE = 500;

/** Names that the peer has just now. */
export function createNameLookup(peer: Peer): NameLookup {
  return async (kind) => {
    const signal = AbortSignal.timeout(PATIENCE);
    const [command, member] =
      kind === "node" ? ["query-named-block-nodes", "node-name"] : ["query-block-exports", "id"];
    const reply = await peer.execute(command, {}, { oob: false, signal }).catch(() => []);
    const names = fieldsList(reply).map((entry) => fieldText(entry, member));
    return [...new Set(names)].filter((name) => name !== "").toSorted();
  };
}
