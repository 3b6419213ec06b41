import { own } from "./schema.ts";
import type { QmpTimer, QmpTimers } from "./qmp-timers.ts";

/** How often an event may be sent. */
export interface QmpEventLimit {
  /** After one is sent, so many milliseconds pass before the next; of those that come meanwhile the last one stays. Default 1000. */
  readonly windowMs?: number;
  /** A member of the data; events of which it differs do not wait for each other. */
  readonly key?: string;
}

/** What QEMU 7.2 limits. BLOCK_IO_ERROR, STOP and the events of I/O hang are not among them. */
const QEMU_LIMITS: Readonly<Record<string, QmpEventLimit>> = {
  RTC_CHANGE: {},
  WATCHDOG: {},
  BALLOON_CHANGE: {},
  QUORUM_FAILURE: {},
  QUORUM_REPORT_BAD: { key: "node-name" },
  VSERPORT_CHANGE: { key: "id" },
  MEMORY_DEVICE_SIZE_CHANGE: { key: "qom-path" },
};

const DEFAULT_WINDOW = 1000;

/** The time after an event in which no other of its kind is sent. */
interface Window<M> {
  timer: QmpTimer;
  /** What came last meanwhile. */
  latest: M | undefined;
}

/** Holds back events that come too often. */
export class EventLimiter<M> {
  readonly #limits: Readonly<Record<string, QmpEventLimit>>;
  readonly #timers: QmpTimers;
  readonly #send: (message: M) => void;
  readonly #windows = new Map<string, Window<M>>();

  /** Limits what QEMU does, and what is in `limits` besides or instead. */
  constructor(limits: Readonly<Record<string, QmpEventLimit>>, timers: QmpTimers, send: (message: M) => void) {
    this.#limits = { ...QEMU_LIMITS, ...limits };
    this.#timers = timers;
    this.#send = send;
  }

  /** Sends a message now, or when its time has come, or never if a later one takes its place. */
  offer(event: string, data: unknown, message: M): void {
    const limit = own(this.#limits, event);
    if (limit === undefined) return this.#send(message);
    const { windowMs = DEFAULT_WINDOW, key } = limit;
    const name = key === undefined ? event : `${event} ${keyOf(data, key)}`;
    const window = this.#windows.get(name);
    if (window === undefined) this.#sendAndOpen(name, windowMs, message);
    else window.latest = message;
  }

  /** Forgets what waits. */
  close(): void {
    for (const { timer } of this.#windows.values()) timer.cancel();
    this.#windows.clear();
  }

  #sendAndOpen(name: string, windowMs: number, message: M): void {
    const timer = this.#timers.setTimer(windowMs, () => this.#elapsed(name, windowMs));
    this.#windows.set(name, { timer, latest: undefined });
    this.#send(message);
  }

  #elapsed(name: string, windowMs: number): void {
    const latest = this.#windows.get(name)?.latest;
    if (latest === undefined) this.#windows.delete(name);
    else this.#sendAndOpen(name, windowMs, latest);
  }
}

function keyOf(data: unknown, key: string): string {
  return String((data as Readonly<Record<string, unknown>> | undefined)?.[key]);
}
