import type { QmpEventOf, RehandleSchema } from "@rehandle/qapi";

/** What is looked at of an event. */
type MonitorEvent = Pick<QmpEventOf<RehandleSchema, HangEvent["event"]>, "event" | "data">;

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

  /** Takes an event of a monitor. */
  take({ event, data }: MonitorEvent): void {
    const { set } = data;
    const outage = data.outage ?? null;
    this.#events.push({ event, set, outage });
    this.#onEvent(`event ${event}, set: ${set}${outage === null ? "" : `, outage: ${outage}`}`);
  }
}
