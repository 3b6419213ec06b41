import type { BlockDriver } from "@rehandle/driver-sdk";
import type { Node } from "./node.ts";

/** What every export has before its own kind makes it reachable. */
export interface ExportBase {
  readonly id: string;
  readonly node: Node;
  /** The node as the export uses it, open. */
  readonly view: BlockDriver;
  readonly writable: boolean;
}

/** A node that clients can reach. */
export interface BlockExport {
  readonly type: "nbd" | "vhost-user-blk";
  readonly id: string;
  readonly node: Node;
  /** How many use it. */
  readonly clients: number;
  /** The node takes requests again after it was congested. */
  resume(): void;
  /** The node's size changed. */
  onResized(): void;
  /**
   * Lets no new clients in; those that are there are answered what is on its way, within `graceMs`, and disconnected. It
   * resolves when none is left.
   */
  close(graceMs: number): Promise<void>;
}
