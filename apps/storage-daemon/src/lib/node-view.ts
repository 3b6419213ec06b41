import type { BlockDriver, BlockRequest, DriverCapabilities, DriverEvent, OpenContext } from "@rehandle/driver-sdk";
import type { Node } from "./node.ts";

/**
 * A node as one of its users sees it: a driver that is open already. `open` only begins to listen and `close` only ends it,
 * so several users can share one node; the user has it from the beginning. `onClose` is told once.
 */
export function createNodeView(node: Node, onClose: () => Promise<void>): BlockDriver {
  return new NodeView(node, onClose);
}

class NodeView implements BlockDriver {
  readonly driverName: string;
  readonly resize?: (size: number) => Promise<void>;
  readonly #node: Node;
  readonly #driver: BlockDriver;
  readonly #onClose: () => Promise<void>;
  #listener: ((event: DriverEvent) => void) | null = null;
  #closed: Promise<void> | null = null;

  constructor(node: Node, onClose: () => Promise<void>) {
    this.driverName = node.driver.driverName;
    this.#node = node;
    this.#driver = node.driver;
    this.#onClose = onClose;
    node.users.add(this);
    if (node.driver.resize !== undefined) this.resize = (size) => this.#driver.resize!(size);
  }

  get capabilities(): DriverCapabilities {
    return this.#node.capabilities;
  }

  open({ onEvent }: OpenContext): Promise<DriverCapabilities> {
    this.#listener = onEvent;
    this.#node.listeners.add(onEvent);
    const { trouble } = this.#node;
    // Nothing may be told before open resolved.
    if (trouble !== null) {
      queueMicrotask(() => {
        if (this.#node.listeners.has(onEvent) && this.#node.trouble === trouble) onEvent(trouble);
      });
    }
    return Promise.resolve(this.capabilities);
  }

  submit(request: BlockRequest): void {
    this.#driver.submit(request);
  }

  abandon(request: BlockRequest): boolean {
    return this.#driver.abandon?.(request) ?? false;
  }

  cancel(request: BlockRequest): void {
    this.#driver.cancel?.(request);
  }

  reconnectNow(): void {
    this.#driver.reconnectNow?.();
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  #close(): Promise<void> {
    if (this.#listener !== null) this.#node.listeners.delete(this.#listener);
    this.#node.users.delete(this);
    return this.#onClose();
  }
}
