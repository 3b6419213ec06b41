import type { QmpHandlers } from "@rehandle/qapi";
import { blockCommands, type BlockCommandParts } from "./block-commands.ts";
import type { DaemonSchema } from "./qmp-schema.ts";
import { rehandleCommands, type RehandleCommandParts } from "./rehandle-commands.ts";

/** What commands look at and work on. */
export interface CommandParts extends BlockCommandParts, RehandleCommandParts {
  /** Ends the program; resolves when the command is to be answered. */
  readonly quit: () => Promise<void>;
}

/** The commands of the daemon's monitors. */
export function qmpCommands(parts: CommandParts): QmpHandlers<DaemonSchema> {
  return { ...blockCommands(parts), ...rehandleCommands(parts), quit: parts.quit };
}
