import { parseJsonText, isJsonDouble, isJsonObject, type JsonValue, writeJson } from "@rehandle/json";
import { spawn, spawnSync } from "node:child_process";

/** QEMU's own storage daemon. */
export const STORAGE_DAEMON = "qemu-storage-daemon";

/**
 * True if QEMU's storage daemon is installed. If it is not, says so out loud, and throws with `CI` set: what must be there
 * may not be missing in silence.
 */
export function hasStorageDaemon(): boolean {
  if (spawnSync(STORAGE_DAEMON, ["--version"]).error === undefined) return true;
  const message = `NOT RUN: ${STORAGE_DAEMON} is missing; install the Debian package qemu-system-common`;
  if (process.env["CI"]) throw new Error(message);
  console.warn(message);
  return false;
}

/** Someone who takes the bytes of a monitor and gives lines. */
export interface Peer {
  send(bytes: Uint8Array): void;
  close(): void;
}

/** Starts QEMU's storage daemon with its monitor on standard input and output. */
export function startQemu(onText: (text: string) => void): Peer {
  const child = spawn(STORAGE_DAEMON, ["--chardev", "stdio,id=c,signal=off", "--monitor", "chardev=c"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  child.stdout.setEncoding("latin1").on("data", (text: string) => onText(text));
  return {
    send: (bytes) => void child.stdin.write(bytes),
    close: () => void child.kill("SIGKILL"),
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
