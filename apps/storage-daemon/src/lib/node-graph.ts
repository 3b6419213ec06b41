import type { TlsCredentials } from "@rehandle/driver-nbd";
import type { BlockDriver, Clock, Random } from "@rehandle/driver-sdk";
import { GraphNode } from "./graph-node.ts";
import type { Node } from "./node.ts";
import { nodeFlags, ROOT_FLAGS, type NodeFlags } from "./node-flags.ts";
import type { NodeOptions, NodeRef } from "./node-types.ts";
import { createNodeView } from "./node-view.ts";
import { makeDriver, openFailure } from "./open-driver.ts";
import { UsageError } from "./usage-error.ts";

/** What a graph works with. */
export interface NodeGraphParts {
  readonly clock: Clock;
  readonly random: Random;
  /** See `DaemonOptions`. */
  readonly wrapDriver: (driver: BlockDriver, nodeName: string) => BlockDriver;
  /** @throws UsageError if there are no such credentials. */
  readonly findCredentials: (id: string) => TlsCredentials;
  /** Told of every node as soon as it is open, before anybody uses it. */
  readonly onOpened: (node: Node) => void;
}

/** What is said of a new node besides its options. */
export interface AddOptions {
  /** Id of the drive that it belongs to. Default "". */
  readonly device?: string;
  /** A layer above holds failed requests; see `OpenContext.held`. Default false. */
  readonly held?: boolean;
}

/** Node names are at most so long. */
const MAX_NAME = 31;

interface Making extends Required<AddOptions> {
  readonly inherited: NodeFlags;
  readonly isOwned: boolean;
}

/** The nodes by name, children before parents. */
export class NodeGraph {
  readonly #parts: NodeGraphParts;
  readonly #nodes = new Map<string, Node>();
  /** Names that are taken by nodes which are being opened. */
  readonly #reserved = new Set<string>();
  #generated = 100;
  readonly #closing = new AbortController();

  constructor(parts: NodeGraphParts) {
    this.#parts = parts;
  }

  /** All nodes, in the order in which they were opened. */
  get nodes(): readonly Node[] {
    return [...this.#nodes.values()];
  }

  /** The node of that name. @throws UsageError if there is none. */
  find(name: string): Node {
    const node = this.#nodes.get(name);
    if (node === undefined) throw new UsageError(`Cannot find device='' nor node-name='${name}'`);
    return node;
  }

  /**
   * Opens a node with all the nodes that its options describe.
   *
   * @throws UsageError (as a rejection) in QEMU's words; nothing is left open then
   */
  add(options: NodeOptions, { device = "", held = false }: AddOptions = {}): Promise<Node> {
    if (options["node-name"] === undefined) {
      return Promise.reject(new UsageError("'node-name' must be specified for the root node"));
    }
    return this.#make(options, { device, held, inherited: ROOT_FLAGS, isOwned: false });
  }

  /** A driver by which `user` uses the node. A node that is its user's own is closed when the user closes it. */
  view(node: Node, user: string): BlockDriver {
    return createNodeView(node, user, () => (node.isOwned ? this.#close(node) : Promise.resolve()));
  }

  /** Closes every node, parents before children, and those that are being opened. Whatever still uses them is ignored. */
  async closeAll(): Promise<void> {
    this.#closing.abort();
    for (const node of this.nodes.toReversed()) await this.#close(node);
  }

  async #make(options: NodeOptions, making: Making): Promise<Node> {
    const name = this.#reserveName(options["node-name"]);
    const opened: Node[] = [];
    try {
      const flags = nodeFlags(options, making.inherited);
      const child = "file" in options ? await this.#resolve(options.file, flags, isHeld(options, making.held)) : null;
      if (child?.isOwned === true) opened.push(child);
      return await this.#open(name, options, flags, child, making);
    } catch (error) {
      for (const node of opened) await this.#close(node);
      throw openFailure(options, error);
    } finally {
      this.#reserved.delete(name);
    }
  }

  #resolve(ref: NodeRef, inherited: NodeFlags, held: boolean): Node | Promise<Node> {
    if (typeof ref !== "string") return this.#make(ref, { device: "", held, inherited, isOwned: true });
    const node = this.#nodes.get(ref);
    if (node === undefined) throw new UsageError(`Cannot find device='${ref}' nor node-name='${ref}'`);
    return node;
  }

  async #open(name: string, options: NodeOptions, flags: NodeFlags, child: Node | null, making: Making): Promise<Node> {
    const { clock, random, findCredentials, onOpened, wrapDriver } = this.#parts;
    const view = child === null ? null : this.view(child, `node ${name}`);
    const { driver: made, backend } = await makeDriver(options, { flags, child: view, findCredentials });
    const driver = backend === null ? wrapDriver(made, name) : made;
    const node = new GraphNode({ name, options, flags, driver, backend, child, ...making });
    const { signal } = this.#closing;
    await driver.open({ clock, random, held: making.held, onEvent: (event) => node.onEvent(event), signal });
    if (!flags.readOnly && !flags.autoReadOnly && options.driver === "nbd" && driver.capabilities.readOnly) {
      await driver.close();
      throw new UsageError("Could not open image: Permission denied");
    }
    if (signal.aborted) {
      await driver.close();
      throw new UsageError("the program is ending");
    }
    this.#nodes.set(name, node);
    onOpened(node);
    return node;
  }

  async #close(node: Node): Promise<void> {
    if (!this.#nodes.delete(node.name)) return;
    await node.driver.close();
  }

  #reserveName(given: string | undefined): string {
    const name = given ?? this.#generateName();
    if (given !== undefined && !/^[A-Za-z][A-Za-z0-9._-]*$/.test(given)) {
      throw new UsageError(`Invalid node-name: '${given}'`);
    }
    if (name.length > MAX_NAME) throw new UsageError("Node name too long");
    if (this.#nodes.has(name) || this.#reserved.has(name)) {
      throw new UsageError(`Duplicate nodes with node-name='${name}'`);
    }
    this.#reserved.add(name);
    return name;
  }

  #generateName(): string {
    this.#generated += 1;
    return `#block${this.#generated}`;
  }
}

function isHeld(options: NodeOptions, held: boolean): boolean {
  return held || options.driver === "rehandle";
}
