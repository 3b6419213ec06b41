import { isJsonObject, parseJsonText, type JsonValue } from "@rehandle/json";
import { spawn } from "node:child_process";

/** A command of QEMU's monitor. */
export interface MonitorCommand {
  readonly execute: string;
  readonly arguments?: Readonly<Record<string, unknown>>;
}

/** A line of the human monitor. */
export function humanLine(line: string): MonitorCommand {
  return { execute: "human-monitor-command", arguments: { "command-line": line } };
}

/** A text as one argument of a line of the human monitor. */
export function quoted(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

/** What a command returned, or the description of its error; the lines of the human monitor without their ends. */
export type MonitorAnswer = JsonValue | { readonly error: string };

/**
 * Has one QEMU without a machine carry all of the commands out. Throws with the command at which it died, if it did.
 */
export async function askMonitor(commands: readonly MonitorCommand[]): Promise<MonitorAnswer[]> {
  const args = ["-machine", "none", "-display", "none", "-nodefaults", "-qmp", "stdio"];
  const child = spawn("qemu-system-x86_64", args, { stdio: ["pipe", "pipe", "ignore"] });
  const timer = setTimeout(() => child.kill("SIGKILL"), 60_000);
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  child.stdin.on("error", () => {});
  const lines = commands.map((command, id) => JSON.stringify({ ...command, id }));
  child.stdin.end(['{"execute":"qmp_capabilities"}', ...lines, '{"execute":"quit"}', ""].join("\n"));
  await new Promise((resolve) => child.on("close", resolve));
  clearTimeout(timer);
  const answers = readAnswers(output);
  const silent = commands.findIndex((_command, id) => !answers.has(id));
  if (silent >= 0) throw new Error(`QEMU died of ${lines[silent]}`);
  return commands.map((_command, id) => answers.get(id) ?? null);
}

/** What a line of the human monitor printed. */
export function printed(answer: MonitorAnswer | undefined): string {
  return typeof answer === "string" ? answer : "";
}

function readAnswers(output: string): Map<number, MonitorAnswer> {
  const answers = new Map<number, MonitorAnswer>();
  for (const line of output.split("\r\n")) {
    // QEMU prints the help of some options between its answers.
    const { value } = parseJsonText(line.slice(Math.max(0, line.lastIndexOf("\n") + 1)));
    if (!isJsonObject(value) || typeof value["id"] !== "number") continue;
    const { error } = value;
    const description = isJsonObject(error) ? error["desc"] : undefined;
    const returned = value["return"] ?? null;
    answers.set(value["id"], typeof description === "string" ? { error: description } : plainLines(returned));
  }
  return answers;
}

function plainLines(returned: JsonValue): JsonValue {
  return typeof returned === "string" ? returned.replaceAll("\r\n", "\n").replace(/\n$/, "") : returned;
}
