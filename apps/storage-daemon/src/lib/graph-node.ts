import type { BlockBackend } from "@rehandle/core";
import {
  defineCapabilities,
  type BlockDriver,
  type DriverCapabilities,
  type DriverEvent,
  type OpenContext,
} from "@rehandle/driver-sdk";
import type { Node } from "./node.ts";
import type { NodeFlags } from "./node-flags.ts";
import type { NodeOptions } from "./option-types.ts";

/** What a node is made of. */
export type NodeParts = Omit<Node, "users" | "parents" | "listeners" | "trouble" | "capabilities" | "isHeld">;

/** A node at work: it hands its driver's events on, and remembers that the way to the storage is lost. */
export class GraphNode implements Node {
  readonly name: string;
  readonly options: NodeOptions;
  readonly flags: NodeFlags;
  readonly isOwned: boolean;
  readonly device: string;
  readonly driver: BlockDriver;
  readonly backend: BlockBackend | null;
  readonly child: Node | null;
  readonly users: Set<BlockDriver> = new Set();
  readonly parents: Set<Node> = new Set();
  readonly listeners: Set<(event: DriverEvent) => void> = new Set();
  trouble: DriverEvent | null = null;
  #inner: DriverCapabilities | null = null;
  #shown: DriverCapabilities | null = null;

  constructor(parts: NodeParts) {
    this.name = parts.name;
    this.options = parts.options;
    this.flags = parts.flags;
    this.isOwned = parts.isOwned;
    this.device = parts.device;
    this.driver = parts.driver;
    this.backend = parts.backend;
    this.child = parts.child;
  }

  get capabilities(): DriverCapabilities {
    const inner = this.driver.capabilities;
    if (inner !== this.#inner || this.#shown === null) {
      this.#inner = inner;
      this.#shown = defineCapabilities({
        ...inner,
        readOnly: inner.readOnly || this.flags.readOnly,
        discard: inner.discard && this.flags.unmap,
      });
    }
    return this.#shown;
  }

  get isHeld(): boolean {
    for (const parent of this.parents) if (parent.backend !== null || parent.isHeld) return true;
    return false;
  }

  /** What the node's driver is opened with. Whether a layer above holds requests changes with the parents. */
  openContext(parts: Omit<OpenContext, "held" | "onEvent">): OpenContext {
    const isHeld = (): boolean => this.isHeld;
    return {
      ...parts,
      onEvent: (event) => this.#onEvent(event),
      get held() {
        return isHeld();
      },
    };
  }

  #onEvent(event: DriverEvent): void {
    if (event.type === "disconnected") this.trouble = event;
    else if (event.type === "connected") this.trouble = null;
    for (const listener of this.listeners) listener(event);
  }
}
