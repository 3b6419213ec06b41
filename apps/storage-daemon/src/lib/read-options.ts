import type { Writable } from "node:stream";
import { readCommandLine, type GivenOption } from "./command-line.ts";
import { COMPLETE_FLAG, OPTION_NAMES } from "./command-options.ts";
import { VERSION_TEXT } from "./version.ts";

/**
 * The options of a command line; or a text, if it asks for something that is answered without a daemon. What makes the
 * longer answers is loaded only for them.
 *
 * @throws UsageError (as a rejection) in getopt's words
 */
export async function readOptions(argv: readonly string[], stdout: Writable): Promise<GivenOption[] | string> {
  if (argv[0] === COMPLETE_FLAG) return (await import("./usage.ts")).completionText(argv.slice(1));
  const options: GivenOption[] = [];
  for (const option of readCommandLine(argv, OPTION_NAMES)) {
    if (option.name === "version") return VERSION_TEXT;
    if (option.name === "help") return (await import("./usage.ts")).helpText(columnsOf(stdout));
    if (option.name === "completion") return (await import("./usage.ts")).completionScript(option.argument);
    options.push(option);
  }
  return options;
}

/** A terminal's width. */
function columnsOf(stdout: Writable): number | undefined {
  return "columns" in stdout && typeof stdout.columns === "number" && stdout.columns > 0 ? stdout.columns : undefined;
}
