import type { DriverEvent } from "@rehandle/driver-sdk";

/**
 * Makes one connection out of the members': it is lost with the first member that is lost, and back with the last one that
 * comes back. A restart of any member is a new instance of the whole.
 */
export class MemberConnections {
  readonly #lost = new Set<number>();
  readonly #instances: (string | null)[];
  #generation = 1;
  readonly #tell: (event: DriverEvent) => void;

  constructor(members: number, tell: (event: DriverEvent) => void) {
    this.#instances = Array.from({ length: members }, () => "");
    this.#tell = tell;
  }

  /** Takes in what a member says of its connection. */
  onEvent(member: number, event: Exclude<DriverEvent, { type: "resized" }>): void {
    if (event.type === "refused") {
      this.#tell(event);
    } else if (event.type === "disconnected") {
      const first = this.#lost.size === 0;
      this.#lost.add(member);
      if (first) this.#tell(event);
    } else {
      this.#instances[member] = event.instance;
      if (!this.#lost.delete(member) || this.#lost.size > 0) return;
      this.#generation += 1;
      const instance = this.#instances.includes(null) ? null : this.#instances.join("+");
      this.#tell({ type: "connected", generation: this.#generation, instance });
    }
  }
}
