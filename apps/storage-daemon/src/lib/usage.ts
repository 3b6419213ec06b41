import {
  completeCommandLine,
  formatBashCompletion,
  formatCandidates,
  formatCommandHelp,
  formatFishCompletion,
  formatZshCompletion,
} from "@rehandle/options";
import { storageDaemonCommand } from "./command-description.ts";
import { COMPLETE_FLAG, SHELLS } from "./command-options.ts";
import { UsageError } from "./usage-error.ts";
import { PROGRAM } from "./version.ts";

/** Lines of help that are longer than this are hard to read. */
const WIDEST_HELP = 120;
const NARROWEST_HELP = 60;

/** The text of `--help`, for so many columns. */
export function helpText(columns: number = 80): string {
  return formatCommandHelp(storageDaemonCommand, { width: Math.min(Math.max(columns, NARROWEST_HELP), WIDEST_HELP) });
}

/** How the words of a command line could go on, for the scripts. */
export function completionText(words: readonly string[]): string {
  return formatCandidates(completeCommandLine(storageDaemonCommand, words));
}

const SCRIPTS = { bash: formatBashCompletion, fish: formatFishCompletion, zsh: formatZshCompletion };

/** The text of `--completion`. @throws UsageError for a shell that there is none for */
export function completionScript(shell: string): string {
  const found = SHELLS.find((name) => name === shell);
  if (found === undefined) throw new UsageError(`'${shell}' is none of ${SHELLS.join(", ")}`, `--completion ${shell}`);
  return SCRIPTS[found](PROGRAM, COMPLETE_FLAG);
}
