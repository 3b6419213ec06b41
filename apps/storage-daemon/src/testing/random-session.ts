import type { Random } from "@rehandle/driver-sdk";
import type { Command } from "./qmp-peer.ts";

const NODES = ["a", "b", "c", "d"] as const;
const EXPORTS = ["x", "y", "z"] as const;

/** Commands that add and delete nodes and exports at random: many work, and many do not. */
export function randomSession(random: Random, length: number): Command[] {
  const generator = new Generator(random);
  return Array.from({ length }, () => generator.next());
}

class Generator {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  next(): Command {
    const dice = this.#random() * 100;
    if (dice < 38) return ["blockdev-add", this.#node(this.#nodeName())];
    if (dice < 58) return ["blockdev-del", { "node-name": this.#nodeName() }];
    if (dice < 78) return ["block-export-add", this.#export()];
    if (dice < 90) return ["block-export-del", { id: this.#pick(EXPORTS), ...this.#maybe({ mode: "hard" }) }];
    if (dice < 93) return ["nbd-server-stop"];
    return ["nbd-server-start", { addr: { type: "unix", data: { path: "n.sock" } } }];
  }

  #node(name: string | undefined, depth = 0): Record<string, unknown> {
    const common = { ...(name === undefined ? {} : { "node-name": name }), ...this.#maybe({ "read-only": true }) };
    const dice = this.#random();
    if (dice < 0.5 || depth > 2) return { driver: "null-co", size: 65536, ...common };
    if (dice < 0.55) return { driver: "file", filename: "nothing.img", ...common };
    const child = this.#random() < 0.5 ? this.#nodeName() : this.#node(this.#pick([...NODES, undefined]), depth + 1);
    return { driver: "raw", file: child, ...common };
  }

  #export(): Record<string, unknown> {
    return {
      type: "nbd",
      id: this.#pick(EXPORTS),
      "node-name": this.#nodeName(),
      ...this.#maybe({ name: this.#pick(EXPORTS) }),
      ...this.#maybe({ writable: true }),
    };
  }

  /** Now and then one that nobody has. */
  #nodeName(): string {
    return this.#random() < 0.05 ? "nobody" : this.#pick(NODES);
  }

  #maybe(members: Record<string, unknown>): Record<string, unknown> {
    return this.#random() < 0.25 ? members : {};
  }

  #pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.#random() * items.length)]!;
  }
}
