import { isOptionError } from "@rehandle/options";
import { chardevHelp } from "./chardev-options.ts";
import type { GivenOption } from "./command-line.ts";
import type { Daemon } from "./daemon.ts";
import { objectHelp } from "./object-help.ts";
import { blockdevOption, exportOption, monitorOption, nbdServerOption, objectOption } from "./option-table.ts";
import { UsageError } from "./usage-error.ts";

/** The text that a cry for help is answered with; the program then ends. */
export class HelpGiven {
  readonly text: string;
  /** With which code the program ends. */
  readonly code: number;

  constructor(text: string, code = 0) {
    this.text = text;
    this.code = code;
  }
}

/** What applying an option says meanwhile. */
export interface Messages {
  /** A line of a warning, or a notice. */
  say(option: string, level: "warning" | "info", message: string): void;
}

/**
 * Works the options off in their order.
 *
 * @returns the path of the pid file, or the answer to a cry for help
 * @throws UsageError (as a rejection) in QEMU's words, with the option at fault
 */
export async function applyOptions(
  daemon: Daemon,
  options: readonly GivenOption[],
  messages: Messages,
  isStopping: () => boolean,
): Promise<{ pidFile: string | null } | HelpGiven> {
  let pidFile: string | null = null;
  for (const option of options) {
    if (isStopping()) break;
    if (option.name === "pidfile") {
      pidFile = option.argument;
      continue;
    }
    try {
      const answer = await apply(daemon, option, messages);
      if (answer instanceof HelpGiven) return answer;
    } catch (error) {
      if (isOptionError(error)) warn(messages, option.text, error.warnings);
      throw atOption(error, option);
    }
  }
  return { pidFile };
}

async function apply(
  daemon: Daemon,
  { name, argument, text }: GivenOption,
  messages: Messages,
): Promise<HelpGiven | void> {
  switch (name) {
    case null:
      throw new UsageError("Unexpected argument");
    case "blockdev":
      return daemon.addNode(blockdevOption.parseValue(argument));
    case "drive":
      return daemon.addDrive(argument, (lines) => warn(messages, text, lines));
    case "chardev": {
      const help = chardevHelp(argument);
      if (help !== undefined) return new HelpGiven(help.text, help.code);
      const onWait = (where: string): void => messages.say(text, "info", `QEMU waiting for connection on: ${where}`);
      return daemon.addChardev(argument, onWait, (lines) => warn(messages, text, lines));
    }
    case "object": {
      const parsed = objectOption.parse(argument);
      if (parsed.kind === "help") return new HelpGiven(objectHelp(parsed.choice));
      return daemon.addObject(parsed.value);
    }
    case "nbd-server":
      return daemon.startNbdServer(nbdServerOption.parseValue(argument));
    case "export":
      return daemon.addExport(exportOption.parseValue(argument));
    case "monitor":
      return daemon.addMonitor(monitorOption.parseValue(argument));
    default:
      throw new UsageError(`--${name} is not supported`);
  }
}

/** What to use instead stands on a line of its own, without the option, as QEMU prints it. */
function warn(messages: Messages, option: string, lines: readonly string[]): void {
  const warnings = lines.join("\n").split(/\n(?!Please use )/);
  for (const warning of warnings) if (warning !== "") messages.say(option, "warning", warning);
}

function atOption(error: unknown, { text }: GivenOption): unknown {
  if (error instanceof UsageError) return new UsageError(error.message, text, error.hints);
  return isOptionError(error) ? new UsageError(error.message, text, error.hints) : error;
}
