import { parseAddress, type Address } from "./address.ts";
import { UsageError } from "./usage-error.ts";

/** What a command line asks for. */
export interface CommandLine {
  readonly address: Address;
  /** A command and its arguments; none to read commands from standard input. */
  readonly words: readonly string[];
  /** Results as lines of JSON. */
  readonly json: boolean;
  /** Connect again by itself when the connection is lost. */
  readonly reconnect: boolean;
  /** The event to wait for. */
  readonly waitEvent: string | undefined;
  /** How long all of it may take, ms. */
  readonly timeout: number | undefined;
  /** The file of the history instead of the usual one. */
  readonly history: string | undefined;
}

/** What `--help` prints. */
export const USAGE = `Usage: rehandle-qmp [option]... ADDRESS [COMMAND [KEY=VALUE]...]
       rehandle-qmp [option]... --exec PROGRAM [COMMAND [KEY=VALUE]...]

A shell for QMP: of rehandle-storage-daemon, qemu-storage-daemon and QEMU.
With a COMMAND it runs that one; without, it reads commands, one a line.

ADDRESS is the path of a unix socket, or tcp:HOST:PORT.

  --exec PROGRAM      start this program, by the system's shell, and speak QMP
                      over its standard input and output
  --json              print a message of QMP in each line
  --wait-event NAME   wait for this event, print it and end; with a COMMAND, run
                      that first
  --timeout SECONDS   how long a COMMAND and --wait-event may take in all
  --reconnect         connect again when the connection is lost
  --history FILE      keep the lines typed here, instead of in
                      \${XDG_STATE_HOME:-~/.local/state}/rehandle/qmp-history
  -h, --help          print this
  -V, --version       print the version

In the shell, help lists the commands and TAB completes.

Exit status: 0 if all went well, 1 if the peer refused a command or something
did not come in time, 2 if what was typed makes no sense, 3 if the peer cannot
be reached, does not speak QMP or went away.
`;

const LONGEST_TIMEOUT = 2 ** 31 - 1;

interface Options {
  exec?: string;
  waitEvent?: string;
  timeout?: number;
  history?: string;
  json?: true;
  reconnect?: true;
}

/** Reads the arguments. @throws UsageError */
export function parseCommandLine(args: readonly string[]): CommandLine | "help" | "version" {
  const options: Options = {};
  const words = [...args];
  let address: Address | undefined;
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === "--help" || word === "-h") return "help";
    if (word === "--version" || word === "-V") return "version";
    if (word.startsWith("-")) {
      readOption(options, word, words);
      if (options.exec !== undefined) address = { kind: "exec", command: options.exec };
    } else if (address === undefined) address = parseAddress(word);
    else {
      words.unshift(word);
      break;
    }
  }
  if (address === undefined) throw new UsageError("an ADDRESS or --exec is needed; --help explains");
  const { json = false, reconnect = false, waitEvent, timeout, history } = options;
  return { address, words, json, reconnect, waitEvent, timeout, history };
}

/** Reads an option; its value is behind `=`, or the next word. */
function readOption(options: Options, word: string, rest: string[]): void {
  const [name = ""] = word.split("=", 1);
  const given = word.length > name.length ? word.slice(name.length + 1) : undefined;
  const value = (): string => {
    const found = given ?? rest.shift();
    if (found === undefined) throw new UsageError(`${name} needs a value`);
    return found;
  };
  if (name === "--exec") options.exec = value();
  else if (name === "--wait-event") options.waitEvent = value();
  else if (name === "--timeout") options.timeout = readTimeout(value());
  else if (name === "--history") options.history = value();
  else if (word === "--json") options.json = true;
  else if (word === "--reconnect") options.reconnect = true;
  else throw new UsageError(`there is no option ${name}; --help lists them`);
}

function readTimeout(text: string): number {
  const ms = /^[0-9]+(\.[0-9]+)?$/.test(text) ? Math.ceil(Number(text) * 1000) : Number.NaN;
  if (ms > 0 && ms <= LONGEST_TIMEOUT) return ms;
  throw new UsageError(`--timeout needs a number of seconds above 0, not '${text}'`);
}
