import { whenAborted } from "./abort-signal.ts";
import { EventQueue } from "./event-queue.ts";
import type { QmpEventsOptions } from "./qmp-caller.ts";
import type { QmpTimestamp } from "./qmp-event.ts";

/** An event whose name is only known when it comes. */
export interface AnyEvent {
  readonly event: string;
  readonly data: unknown;
  readonly timestamp: QmpTimestamp;
}

type Listener = (event: AnyEvent) => void;

const DEFAULT_COUNT = 1000;
const MAX_BYTES = 16 * 1024 * 1024;

/** Listeners and iterators, whatever connection the events come from. */
export class EventHub {
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #queues = new Map<EventQueue<AnyEvent>, ReadonlySet<string> | undefined>();
  #ended = false;

  on(event: string, listener: Listener): () => void {
    // A listener that is given twice is called twice.
    const own: Listener = (message) => listener(message);
    const listeners = this.#listeners.get(event) ?? new Set<Listener>();
    this.#listeners.set(event, listeners);
    listeners.add(own);
    return () => {
      listeners.delete(own);
      if (listeners.size === 0 && this.#listeners.get(event) === listeners) this.#listeners.delete(event);
    };
  }

  events(options: number | QmpEventsOptions<string> = {}): EventQueue<AnyEvent> {
    const { names, limit = DEFAULT_COUNT, signal } = typeof options === "number" ? { limit: options } : options;
    let forget = (): void => {};
    const queue: EventQueue<AnyEvent> = new EventQueue({ count: limit, bytes: MAX_BYTES }, () => {
      forget();
      this.#queues.delete(queue);
    });
    if (signal?.aborted === true) queue.abort(signal.reason);
    else if (this.#ended) queue.end();
    else {
      forget = whenAborted(signal, (reason) => queue.abort(reason));
      this.#queues.set(queue, names === undefined ? undefined : new Set(names));
    }
    return queue;
  }

  /** `bytes` is the size of its text. */
  emit(message: AnyEvent, bytes: number): void {
    for (const [queue, names] of this.#queues) {
      if (names === undefined || names.has(message.event)) queue.push(message, bytes);
    }
    for (const listener of this.#listeners.get(message.event) ?? []) callListener(listener, message);
  }

  /** No more events will come. */
  end(): void {
    this.#ended = true;
    for (const queue of this.#queues.keys()) queue.end();
  }
}

/** A listener's mistake must not cost the connection the rest of what it reads. */
export function callListener<T>(listener: (value: T) => void, value: T): void {
  try {
    listener(value);
  } catch (error) {
    void Promise.reject(error);
  }
}
