import { readFileSync } from "node:fs";
import { runBatch } from "./batch.ts";
import { parseCommandLine, USAGE, type CommandLine } from "./command-line.ts";
import { ExitCode } from "./exit-code.ts";
import { runInteractive } from "./interactive.ts";
import { createPalette } from "./palette.ts";
import { createJsonPresenter, createPrettyPresenter, failureText } from "./presenter.ts";
import { ConnectionError, UsageError } from "./usage-error.ts";

/** What the program is started with; a terminal is recognised by its `isTTY`. */
export interface ShellStreams {
  readonly args: readonly string[];
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WriteStream;
  readonly errors: NodeJS.WritableStream;
  readonly env: NodeJS.ProcessEnv;
}

/** The width that is assumed where there is no terminal. */
const DEFAULT_COLUMNS = 80;

/** The program from its arguments to its exit code. */
export async function runShell(streams: ShellStreams): Promise<ExitCode> {
  const { args, output, errors } = streams;
  const complain = (text: string): void => void errors.write(`rehandle-qmp: ${text}\n`);
  try {
    const commandLine = parseCommandLine(args);
    if (commandLine === "help") output.write(USAGE);
    else if (commandLine === "version") output.write(`rehandle-qmp ${readVersion()}\n`);
    else return await runWith(commandLine, streams, complain);
    return ExitCode.Success;
  } catch (error) {
    complain(failureText(error));
    if (error instanceof UsageError) return ExitCode.Usage;
    return error instanceof ConnectionError ? ExitCode.ConnectionFailed : ExitCode.CommandFailed;
  }
}

function runWith(
  commandLine: CommandLine,
  { input, output, env }: ShellStreams,
  complain: (text: string) => void,
): Promise<ExitCode> {
  const isTerminal = output.isTTY && env["TERM"] !== "dumb";
  const palette = createPalette(isTerminal && (env["NO_COLOR"] ?? "") === "" && !commandLine.json);
  const columns = (): number => (output.isTTY ? output.columns : DEFAULT_COLUMNS);
  const presenter = commandLine.json ? createJsonPresenter() : createPrettyPresenter(palette, columns);
  const isInteractive = commandLine.words.length === 0 && commandLine.waitEvent === undefined;
  if (isInteractive && isTerminal && input.isTTY) {
    return runInteractive({ commandLine, input, output, env, palette, presenter });
  }
  const print = (text: string): void => void output.write(`${text}\n`);
  return runBatch({ commandLine, input, output: { print, complain }, palette, presenter, columns: columns() });
}

function readVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  return typeof manifest === "object" && manifest !== null && "version" in manifest ? String(manifest.version) : "0";
}
