import type { QmpEvent } from "./qmp-client.ts";

/** One of the two events of I/O hang. */
export interface HangEvent {
  readonly event: "BLOCK_IO_HANG" | "BLOCK_IO_HANG_TIMEOUT";
  readonly set: boolean;
  /** Null if the event names none. */
  readonly outage: string | null;
}

/** The events of I/O hang that a daemon sent. */
export class HangLog {
  readonly #events: HangEvent[] = [];
  readonly #onEvent: (text: string) => void;

  /** `onEvent` hears of each event, in words. */
  constructor(onEvent: (text: string) => void) {
    this.#onEvent = onEvent;
  }

  /** In the order they came. */
  get events(): readonly HangEvent[] {
    return this.#events;
  }

  /** I/O hang goes on. */
  get hanging(): boolean {
    return this.#events.findLast(({ event }) => event === "BLOCK_IO_HANG")?.set === true;
  }

  /** Takes any event, and keeps it if it is of I/O hang. */
  take({ event, data }: QmpEvent): void {
    if (event !== "BLOCK_IO_HANG" && event !== "BLOCK_IO_HANG_TIMEOUT") return;
    const set = data["set"] === true;
    const outage = typeof data["outage"] === "string" ? data["outage"] : null;
    this.#events.push({ event, set, outage });
    this.#onEvent(`event ${event}, set: ${set}${outage === null ? "" : `, outage: ${outage}`}`);
  }
}
