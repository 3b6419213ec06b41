import type { Connection } from "./connection.ts";

/** Connections that stand and fall together: when one is lost, nothing new is sent on any of them. */
export class ConnectionGroup {
  /** Grows with every loss. */
  readonly generation: number;
  readonly connections: Connection[];

  constructor(generation: number, first: Connection) {
    this.generation = generation;
    this.connections = [first];
  }

  /** The connection that takes a request now and has the fewest in flight; null if none takes any. */
  pick(): Connection | null {
    let best: Connection | null = null;
    for (const connection of this.connections) {
      if (connection.hasRoom && (best === null || connection.inFlight < best.inFlight)) best = connection;
    }
    return best;
  }

  retire(): void {
    for (const connection of this.connections) connection.retire();
  }
}
