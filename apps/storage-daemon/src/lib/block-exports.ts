import type { Clock } from "@rehandle/driver-sdk";
import type { BlockExport, ExportBase } from "./block-export.ts";
import type { Log } from "./log.ts";
import type { Node } from "./node.ts";
import type { NodeGraph } from "./node-graph.ts";
import type { ExportSettings } from "./option-types.ts";
import { UsageError } from "./usage-error.ts";

/** What the exports work with. */
export interface BlockExportsParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly graph: NodeGraph;
  /** Makes a node reachable. @throws UsageError (as a rejection) in QEMU's words. */
  readonly start: (settings: ExportSettings, base: ExportBase) => Promise<BlockExport>;
  /** An export was withdrawn. */
  readonly onDeleted: (id: string) => void;
}

/** How long requests of a client that is turned out may take, ms: QEMU waits for none. */
const HARD_GRACE = 0;

interface Entry {
  readonly running: BlockExport;
  readonly base: ExportBase;
  /** Resolves when it is withdrawn, which has begun; null before. */
  gone: Promise<void> | null;
}

/** All exports of a daemon, of whatever type. */
export class BlockExports {
  readonly #parts: BlockExportsParts;
  readonly #entries = new Map<string, Entry>();
  /** Ids of exports that are being started. */
  readonly #reserved = new Set<string>();
  #closing = false;

  constructor(parts: BlockExportsParts) {
    this.#parts = parts;
  }

  /** The exports, in the order in which they were added. */
  get all(): readonly BlockExport[] {
    return [...this.#entries.values()].map(({ running }) => running);
  }

  /** True from the moment when it is being withdrawn. */
  isShuttingDown(id: string): boolean {
    return this.#closing || this.#entries.get(id)?.gone !== null;
  }

  /** The export of that id, if there is one. */
  get(id: string): BlockExport | undefined {
    return this.#entries.get(id)?.running;
  }

  /**
   * Offers a node to clients.
   *
   * @throws UsageError (as a rejection) in QEMU's words; nothing is left of it then
   */
  async add(settings: ExportSettings): Promise<void> {
    const { id, writable, iothread, writethrough } = settings;
    const { graph } = this.#parts;
    if (!/^[A-Za-z][A-Za-z0-9._-]*$/.test(id)) throw new UsageError("Invalid block export id");
    if (this.#entries.has(id) || this.#reserved.has(id)) {
      throw new UsageError(`Block export id '${id}' is already in use`);
    }
    const node = graph.find(settings["node-name"]);
    if (writable && node.capabilities.readOnly) throw new UsageError(notWritable(node));
    if (iothread !== undefined) throw new UsageError(`iothread "${iothread}" not found`);
    if (writethrough === true) throw new UsageError("writethrough=on is not supported");
    this.#reserved.add(id);
    try {
      await this.#start(settings, { id, node, view: graph.view(node), writable });
    } finally {
      this.#reserved.delete(id);
    }
  }

  /**
   * Withdraws an export. With `hard` its clients are disconnected, and it may still be there for a moment when this
   * resolves.
   *
   * @throws UsageError (as a rejection) in QEMU's words
   */
  async delete(id: string, mode: "safe" | "hard" = "safe"): Promise<void> {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new UsageError(`Export '${id}' is not found`);
    if (entry.gone !== null) throw new UsageError(`Export '${id}' is already shutting down`);
    const { clients } = entry.running;
    if (clients > 0 && mode === "safe") throw new UsageError(`export '${id}' still in use`);
    const gone = this.#withdraw(entry, HARD_GRACE);
    if (clients === 0) await gone;
    else gone.catch((error: unknown) => this.#parts.log.write("error", id, `withdrawing it failed: ${String(error)}`));
  }

  /** A node is no longer congested. */
  resume(): void {
    for (const { running } of this.#entries.values()) running.resume();
  }

  /** Withdraws all exports of one type, see {@link BlockExport.close}. */
  async withdraw(type: BlockExport["type"], graceMs: number): Promise<void> {
    const chosen = [...this.#entries.values()].filter(({ running }) => running.type === type);
    await Promise.all(chosen.map((entry) => this.#withdraw(entry, graceMs)));
  }

  /** Does that for good: what is being started is withdrawn as well. */
  close(type: BlockExport["type"], graceMs: number): Promise<void> {
    this.#closing = true;
    return this.withdraw(type, graceMs);
  }

  async #start(settings: ExportSettings, base: ExportBase): Promise<void> {
    const { view, id } = base;
    const { clock, start } = this.#parts;
    let running: BlockExport | null = null;
    try {
      await view.open({
        ...NOTHING_HEARD,
        clock,
        onEvent: (event) => {
          if (event.type === "resized") running?.onResized();
        },
      });
      running = await start(settings, base);
    } catch (error) {
      await view.close();
      throw error;
    }
    const entry: Entry = { running, base, gone: null };
    this.#entries.set(id, entry);
    if (this.#closing) await this.#withdraw(entry, 0);
  }

  #withdraw(entry: Entry, graceMs: number): Promise<void> {
    entry.gone ??= this.#end(entry, graceMs);
    return entry.gone;
  }

  async #end({ running, base }: Entry, graceMs: number): Promise<void> {
    await running.close(graceMs);
    this.#entries.delete(base.id);
    await base.view.close();
    this.#parts.onDeleted(base.id);
  }
}

/** A raw node may be meant to be written to although what it stands on cannot. */
function notWritable({ flags, child }: Node): string {
  return child !== null && !flags.readOnly ? "Block node is read-only" : "Cannot export read-only node as writable";
}

const NOTHING_HEARD = { random: () => 0, held: false };
