import type { TlsCredentials } from "@rehandle/driver-nbd";
import type { BlockDriver, Clock, Random } from "@rehandle/driver-sdk";
import { checkNodeOptions } from "./check-node-options.ts";
import { GraphNode } from "./graph-node.ts";
import type { Node } from "./node.ts";
import { nodeFlags, ROOT_FLAGS, type NodeFlags } from "./node-flags.ts";
import { createNodeView } from "./node-view.ts";
import { makeDriver, openFailure } from "./open-driver.ts";
import type { NodeOptions } from "./option-types.ts";
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
  /** Told of every node when it is no longer to be found, before its driver is closed. */
  readonly onClosed: (node: Node) => void;
}

/** Node names are at most so long. */
const MAX_NAME = 31;

interface Making {
  /** Id of the drive that the node belongs to; "" if none. */
  readonly device: string;
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

  /** The node of that name, if there is one. */
  get(name: string): Node | undefined {
    return this.#nodes.get(name);
  }

  /** The node of that name. @throws UsageError in the words of those who also take a drive's id */
  find(name: string, device = ""): Node {
    const node = this.#nodes.get(name);
    if (node === undefined) throw new UsageError(`Cannot find device='${device}' nor node-name='${name}'`);
    return node;
  }

  /**
   * Opens a node with all the nodes that its options describe. `device` is the id of the drive that it belongs to.
   *
   * @throws UsageError (as a rejection) in QEMU's words; nothing is left open then
   */
  add(options: NodeOptions, device = ""): Promise<Node> {
    if (options["node-name"] === undefined) {
      return Promise.reject(new UsageError("'node-name' must be specified for the root node"));
    }
    return this.#make(options, { device, inherited: ROOT_FLAGS, isOwned: false });
  }

  /**
   * A driver by which one user uses the node, who has it from now until it is closed, whether it was opened or not. A node
   * that was made for its users is closed with the last of them.
   */
  view(node: Node): BlockDriver {
    return createNodeView(node, async () => {
      if (node.isOwned && node.users.size === 0) await this.close(node);
    });
  }

  /** Closes a node, and those that were made for it alone. Whatever still uses it finds it closed. */
  async close(node: Node): Promise<void> {
    if (this.#nodes.get(node.name) !== node) return;
    this.#nodes.delete(node.name);
    node.child?.parents.delete(node);
    this.#parts.onClosed(node);
    await node.driver.close();
  }

  /** Closes every node, parents before children, and those that are being opened. */
  async closeAll(): Promise<void> {
    this.#closing.abort();
    for (const node of this.nodes.toReversed()) await this.close(node);
  }

  async #make(options: NodeOptions, making: Making): Promise<Node> {
    let view: BlockDriver | null = null;
    let name: string | null = null;
    try {
      const flags = nodeFlags(options, making.inherited);
      let child: Node | null = null;
      if ("file" in options) {
        // Of a node that is there the view is taken at once: nobody may delete it meanwhile.
        child =
          typeof options.file === "string"
            ? this.find(options.file, options.file)
            : await this.#make(options.file, owned(flags));
        view = this.view(child);
      }
      // What is below comes first to its name, as in QEMU.
      name = this.#reserveName(options["node-name"]);
      checkNodeOptions(options, flags);
      return await this.#open(name, options, flags, child, view, making);
    } catch (error) {
      await view?.close();
      throw openFailure(options, error);
    } finally {
      if (name !== null) this.#reserved.delete(name);
    }
  }

  async #open(
    name: string,
    options: NodeOptions,
    flags: NodeFlags,
    child: Node | null,
    view: BlockDriver | null,
    making: Making,
  ): Promise<Node> {
    const { clock, random, findCredentials, onOpened, wrapDriver } = this.#parts;
    const { driver: made, backend } = await makeDriver(options, { flags, child: view, findCredentials });
    const driver = backend === null ? wrapDriver(made, name) : made;
    const { device, isOwned } = making;
    const node = new GraphNode({ name, options, flags, driver, backend, child, device, isOwned });
    const { signal } = this.#closing;
    await driver.open(node.openContext({ clock, random, signal }));
    if (!flags.readOnly && !flags.autoReadOnly && options.driver === "nbd" && driver.capabilities.readOnly) {
      await driver.close();
      throw new UsageError("Could not open image: Permission denied");
    }
    if (signal.aborted) {
      await driver.close();
      throw new UsageError("the program is ending");
    }
    child?.parents.add(node);
    this.#nodes.set(name, node);
    onOpened(node);
    return node;
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

function owned(inherited: NodeFlags): Making {
  return { device: "", inherited, isOwned: true };
}
