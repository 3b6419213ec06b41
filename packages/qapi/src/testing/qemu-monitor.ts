import { parseJsonText, isJsonDouble, isJsonObject, type JsonValue, writeJson } from "@rehandle/json";
import { spawn, spawnSync } from "node:child_process";

/** QEMU's own storage daemon. */
export const STORAGE_DAEMON = "qemu-storage-daemon";

/** QEMU itself. */
export const QEMU = "qemu-system-x86_64";

/**
 * True if QEMU's storage daemon is installed. If it is not, says so out loud, and throws with `CI` set: what must be there
 * may not be missing in silence.
 */
export function hasStorageDaemon(): boolean {
  return hasProgram(STORAGE_DAEMON, "qemu-system-common");
}

/** True if QEMU is installed; else as {@link hasStorageDaemon}. */
export function hasQemu(): boolean {
  return hasProgram(QEMU, "qemu-system-x86");
}

function hasProgram(program: string, debianPackage: string): boolean {
  if (spawnSync(program, ["--version"]).error === undefined) return true;
  const message = `NOT RUN: ${program} is missing; install the Debian package ${debianPackage}`;
  if (process.env["CI"]) throw new Error(message);
  console.warn(message);
  return false;
}

/** What QEMU without a machine returns to these commands. */
export function askQemu(commands: readonly string[]): unknown[] {
  const lines = ["qmp_capabilities", ...commands, "quit"].map((execute) => `${JSON.stringify({ execute })}\n`);
  const args = ["-machine", "none", "-display", "none", "-nodefaults", "-qmp", "stdio"];
  const { stdout } = spawnSync(QEMU, args, {
    input: lines.join(""),
    encoding: "latin1",
    maxBuffer: 2 ** 25,
    timeout: 60_000,
  });
  const messages = stdout.split("\r\n").filter((line) => line !== "");
  const returned = messages.flatMap((line) => {
    const { value } = parseJsonText(line);
    return isJsonObject(value) && "return" in value ? [value["return"]] : [];
  });
  return returned.slice(1, commands.length + 1);
}

/** Someone who takes the bytes of a monitor and gives lines. */
export interface Peer {
  send(bytes: Uint8Array): void;
  close(): void;
}

/** Starts QEMU's storage daemon with its monitor on standard input and output. */
export const startQemu: (onText: (text: string) => void) => Peer = monitorOf(STORAGE_DAEMON);

/** Starts a program of QEMU's with its monitor on standard input and output, without a machine. */
export function monitorOf(program: string): (onText: (text: string) => void) => Peer {
  const stdio = ["--chardev", "stdio,id=c,signal=off"];
  const args =
    program === QEMU
      ? ["-machine", "none", "-display", "none", "-nodefaults", ...stdio, "-mon", "chardev=c,mode=control"]
      : [...stdio, "--monitor", "chardev=c"];
  return (onText) => {
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
    child.stdout.setEncoding("latin1").on("data", (text: string) => onText(text));
    return {
      send: (bytes) => void child.stdin.write(bytes),
      close: () => void child.kill("SIGKILL"),
    };
  };
}

/** Ends whatever text is unfinished, and asks for a reply that marks the end of all others. */
const MARK = '\u00ff\n{"execute":"qmp_capabilities","arguments":{"mark":1},"id":"mark"}\n';

/**
 * What a peer answers to each text, apart from the greeting. A broken text is ended by an illegal byte, whose error is
 * among the answers.
 */
export async function converse(
  texts: readonly string[],
  start: (onText: (text: string) => void) => Peer,
): Promise<string[][]> {
  let buffer = "";
  let wake = (): void => {};
  const peer = start((text) => {
    buffer += text;
    wake();
  });
  const line = async (): Promise<string> => {
    while (!buffer.includes("\r\n")) await new Promise<void>((resolve) => (wake = resolve));
    const end = buffer.indexOf("\r\n");
    const found = buffer.slice(0, end);
    buffer = buffer.slice(end + 2);
    return found;
  };
  const answers: string[][] = [];
  try {
    await line();
    for (const text of texts) {
      peer.send(Buffer.from(text + MARK, "latin1"));
      const lines: string[] = [];
      for (let next = await line(); !next.includes('"mark"'); next = await line()) lines.push(canonical(next));
      answers.push(lines);
    }
  } finally {
    peer.close();
  }
  return answers;
}

/** The same message with its members sorted: QEMU's order is that of a hash table. */
function canonical(line: string): string {
  const { value, error } = parseJsonText(line);
  if (error !== undefined) throw new Error(`${error}: ${line}`);
  return writeJson(sorted(value));
}

function sorted(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(sorted);
  if (isJsonDouble(value) || !isJsonObject(value)) return value;
  const out = Object.create(null) as Record<string, JsonValue>;
  for (const key of Object.keys(value).toSorted()) out[key] = sorted(value[key] ?? null);
  return out;
}
