import type { Clock } from "@rehandle/driver-sdk";
import type { BlockExport, ExportBase } from "./block-export.ts";
import type { NodeGraph } from "./node-graph.ts";
import type { ExportSettings } from "./option-table.ts";
import { UsageError } from "./usage-error.ts";

/** What the exports work with. */
export interface BlockExportsParts {
  readonly clock: Clock;
  readonly graph: NodeGraph;
  /** Makes a node reachable. @throws UsageError (as a rejection) in QEMU's words. */
  readonly start: (settings: ExportSettings, base: ExportBase) => Promise<BlockExport>;
  /** An export was withdrawn. */
  readonly onDeleted: (id: string) => void;
}

interface Entry {
  readonly running: BlockExport;
  readonly base: ExportBase;
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

  /** True once `close` was called. */
  get isClosing(): boolean {
    return this.#closing;
  }

  /**
   * Offers a node to clients.
   *
   * @throws UsageError (as a rejection) in QEMU's words
   */
  async add(settings: ExportSettings): Promise<void> {
    const { id, writable } = settings;
    const { graph, clock, start } = this.#parts;
    if (!/^[A-Za-z][A-Za-z0-9._-]*$/.test(id)) throw new UsageError("Invalid block export id");
    if (this.#entries.has(id) || this.#reserved.has(id)) {
      throw new UsageError(`Block export id '${id}' is already in use`);
    }
    const node = graph.find(settings["node-name"]);
    if (writable && node.capabilities.readOnly) throw new UsageError("Cannot export read-only node as writable");
    const view = graph.view(node, `export ${id}`);
    const base: ExportBase = { id, node, view, writable };
    this.#reserved.add(id);
    try {
      let running: BlockExport | null = null;
      await view.open({
        ...NOTHING_HEARD,
        clock,
        onEvent: (event) => {
          if (event.type === "resized") running?.onResized();
        },
      });
      running = await start(settings, base);
      this.#entries.set(id, { running, base });
      if (this.#closing) await this.#withdraw(id, 0);
    } catch (error) {
      await view.close();
      throw error;
    } finally {
      this.#reserved.delete(id);
    }
  }

  /** A node is no longer congested. */
  resume(): void {
    for (const { running } of this.#entries.values()) running.resume();
  }

  /** Withdraws all exports of one type, see {@link BlockExport.close}. */
  async close(type: BlockExport["type"], graceMs: number): Promise<void> {
    this.#closing = true;
    const chosen = this.all.filter((running) => running.type === type);
    await Promise.all(chosen.map(({ id }) => this.#withdraw(id, graceMs)));
  }

  async #withdraw(id: string, graceMs: number): Promise<void> {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    await entry.running.close(graceMs);
    if (!this.#entries.delete(id)) return;
    await entry.base.view.close();
    this.#parts.onDeleted(id);
  }
}

const NOTHING_HEARD = { random: () => 0, held: false };
