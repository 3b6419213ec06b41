import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DAEMON_COMMAND } from "./daemon-process.ts";
import type { Sandbox } from "./sandbox.ts";

/** A command and its arguments. */
export type Command = readonly [name: string, args?: Readonly<Record<string, unknown>>];

type Message = Readonly<Record<string, unknown>>;

/** A daemon that is spoken to over standard input and output, in a folder of its own, so that paths are the same for all. */
export class QmpPeer {
  readonly folder: string;
  readonly #child: ChildProcess;
  readonly #messages: Message[] = [];
  #wake: () => void = () => undefined;
  #rest = "";
  stderr = "";

  private constructor(program: string, args: readonly string[], folder: string) {
    this.folder = folder;
    this.#child = spawn(program, [...args, "--chardev", "stdio,id=c", "--monitor", "c"], { cwd: folder });
    const abandon = (): void => void this.#child.kill("SIGKILL");
    process.once("exit", abandon);
    this.#child.once("close", () => {
      process.removeListener("exit", abandon);
      this.#take("\n{}\n");
    });
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => this.#take(text));
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
    this.#child.stdin?.on("error", () => undefined);
  }

  /** Starts QEMU's daemon or ours; there is a file `disk.img` of 1 MiB in its folder. */
  static async start(whose: "ours" | "theirs", sandbox: Sandbox, name: string = whose): Promise<QmpPeer> {
    const folder = sandbox.path(name);
    mkdirSync(folder);
    writeFileSync(join(folder, "disk.img"), "");
    truncateSync(join(folder, "disk.img"), 1024 * 1024);
    const peer =
      whose === "ours"
        ? new QmpPeer(process.execPath, DAEMON_COMMAND, folder)
        : new QmpPeer("qemu-storage-daemon", [], folder);
    sandbox.atEnd(() => peer.end());
    await peer.#next();
    await peer.run(["qmp_capabilities"]);
    return peer;
  }

  /** Runs a command; resolves with the events before the reply, which QEMU has in any order, and the reply, each as a line. */
  async run([execute, args]: Command): Promise<string[]> {
    this.#child.stdin?.write(`${JSON.stringify({ execute, arguments: args })}\n`);
    const lines: string[] = [];
    for (;;) {
      const message = await this.#next();
      if ("event" in message) lines.push(`${String(message["event"])} ${JSON.stringify(message["data"])}`);
      else return [...lines.toSorted(), replyLine(message)];
    }
  }

  /** Waits for the next event. */
  async event(): Promise<string> {
    const message = await this.#next();
    return `${String(message["event"])} ${JSON.stringify(message["data"])}`;
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once("close", resolve));
    this.#child.kill("SIGKILL");
    await ended;
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) if (line.trim() !== "") this.#messages.push(JSON.parse(line) as Message);
    this.#wake();
  }

  async #next(): Promise<Message> {
    while (this.#messages.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.#messages.shift() ?? {};
  }
}

function replyLine(message: Message): string {
  const error = message["error"] as { class: string; desc: string } | undefined;
  return error === undefined ? JSON.stringify(message["return"] ?? "gone") : `${error.class}: ${error.desc}`;
}

/** What both daemons say of nodes and exports, without what only one says. */
export async function describeGraph(peer: QmpPeer): Promise<string[]> {
  const nodes = JSON.parse((await peer.run(["query-named-block-nodes"])).at(-1) ?? "[]") as NodeInfo[];
  const exports = JSON.parse((await peer.run(["query-block-exports"])).at(-1) ?? "[]") as ExportInfo[];
  return [
    ...nodes.map((node) => {
      const { image, drv, cache } = node;
      // QEMU says of a raw node that it can be written to even if what it stands on cannot.
      const access = drv === "raw" ? "" : node.ro ? "ro" : "rw";
      const name = node["node-name"].startsWith("#") ? "#" : node["node-name"];
      return `${name} ${drv} ${access} ${image["virtual-size"]} ${inOrder(node.file)} ${cache.direct}`;
    }),
    ...exports.map(({ id, type, ...info }) => `${id} ${type} ${info["node-name"]} ${info["shutting-down"]}`),
  ];
}

/** A `json:` name with its members sorted: QEMU's are in the order of a hash table. */
function inOrder(file: string): string {
  if (!file.startsWith("json:")) return file;
  const sorted = (_key: string, value: unknown): unknown =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : value;
  return `json:${JSON.stringify(JSON.parse(file.slice("json:".length)), sorted)}`;
}

interface ExportInfo {
  readonly id: string;
  readonly type: string;
  readonly "node-name": string;
  readonly "shutting-down": boolean;
}

interface NodeInfo {
  readonly "node-name": string;
  readonly drv: string;
  readonly ro: boolean;
  readonly file: string;
  readonly image: { readonly "virtual-size": number };
  readonly cache: { readonly direct: boolean };
}
