import { isJsonObject, parseJsonText } from "@rehandle/json";
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

/** A peer with whom one talks line by line. */
export interface Talk {
  /** Sends a text in latin1: each character is a byte. */
  say(text: string): void;
  /** The next line of the peer's. Members are sorted, as QEMU's order is that of a hash table; else it is byte for byte. */
  line(): Promise<string>;
  close(): void;
}

/** Starts a peer and talks with it; its greeting is the first line. */
export function talkWith(start: (onText: (text: string) => void) => Peer): Talk {
  let buffer = "";
  let wake = (): void => {};
  const peer = start((text) => {
    buffer += text;
    wake();
  });
  return {
    say: (text) => peer.send(Buffer.from(text, "latin1")),
    line: async () => {
      while (!buffer.includes("\r\n")) await new Promise<void>((resolve) => (wake = resolve));
      const end = buffer.indexOf("\r\n");
      const found = buffer.slice(0, end);
      buffer = buffer.slice(end + 2);
      return sortMembers(found);
    },
    close: () => peer.close(),
  };
}

/**
 * A peer's greeting, then what it answers to each text. A broken text is ended by an illegal byte, whose error is among the
 * answers.
 */
export async function converse(
  texts: readonly string[],
  start: (onText: (text: string) => void) => Peer,
): Promise<string[][]> {
  const talk = talkWith(start);
  try {
    const answers = [[await talk.line()]];
    for (const text of texts) {
      talk.say(text + MARK);
      const lines: string[] = [];
      for (let next = await talk.line(); !next.includes('"mark"'); next = await talk.line()) lines.push(next);
      answers.push(lines);
    }
    return answers;
  } finally {
    talk.close();
  }
}

function sortMembers(line: string): string {
  const tokens = line.match(/"(?:[^"\\]|\\.)*"|[[\]{}]|, |: |[^\s"[\]{},:]+/g) ?? [];
  if (tokens.join("") !== line) throw new Error(`spaced unlike QEMU: ${line}`);
  let at = 0;
  const item = (): string => {
    const token = tokens[at++] ?? "";
    if (token !== "{" && token !== "[") return token;
    const items: string[] = [];
    while (!"}]".includes(tokens[at] ?? "]")) {
      const isMember = token === "{";
      items.push(isMember ? [item(), tokens[at++], item()].join("") : item());
      if (tokens[at] === ", ") at++;
    }
    const end = tokens[at++] ?? "";
    return `${token}${(token === "{" ? items.toSorted() : items).join(", ")}${end}`;
  };
  return item();
}
