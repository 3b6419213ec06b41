import type { JsonLimits } from "@rehandle/json";
import { CallQueue } from "./call-queue.ts";
import { EventHub } from "./event-hub.ts";
import type { ArgumentList, QmpCaller, QmpEvents, QmpEventsOptions, QmpExecuteOptions } from "./qmp-caller.ts";
import type { QmpEvent, QmpEventOf } from "./qmp-event.ts";
import type { Schema } from "./schema.ts";
import type { ArgumentsOf, CommandName, EventName, ResultOf } from "./schema-types.ts";

/** What a client may be told. */
export interface QmpClientOptions<S extends Schema> {
  /** Enables out-of-band execution if the server offers it. Default false. */
  readonly oob?: boolean;
  /**
   * What results and events are read by, as `readResult` and `readEventData` do: what a newer server adds is left out, what
   * contradicts fails the command with `ProtocolError`. Default: they are taken as they come.
   */
  readonly schema?: S;
  /** Commands that may wait at a time; more fail with `TooManyCommands`. Default 10,000. */
  readonly maxPending?: number;
  /** Bounds of one message of the server; beyond them the connection fails with `ProtocolError`. Default: QEMU's. */
  readonly limits?: Partial<JsonLimits>;
}

const DEFAULT_PENDING = 10_000;

/** What all clients have: commands go into a queue, events come out of a hub. */
export abstract class Caller<S extends Schema> implements QmpCaller<S> {
  protected readonly calls: CallQueue;
  protected readonly hub: EventHub = new EventHub();
  #strayEvents = 0;

  constructor({ maxPending = DEFAULT_PENDING }: QmpClientOptions<S>) {
    this.calls = new CallQueue(maxPending);
  }

  get pending(): number {
    return this.calls.pending;
  }

  get strayEvents(): number {
    return this.#strayEvents;
  }

  execute<N extends CommandName<S>>(command: N, ...args: ArgumentList<ArgumentsOf<S, N>>): Promise<ResultOf<S, N>> {
    return this.#submit(command, args, false);
  }

  executeOob<N extends CommandName<S>>(command: N, ...args: ArgumentList<ArgumentsOf<S, N>>): Promise<ResultOf<S, N>> {
    return this.#submit(command, args, true);
  }

  on<N extends EventName<S>>(event: N, listener: (event: QmpEventOf<S, N>) => void): () => void {
    return this.hub.on(event, listener as (event: unknown) => void);
  }

  events<N extends EventName<S> = EventName<S>>(
    options?: number | QmpEventsOptions<N>,
  ): QmpEvents<EventName<S> extends N ? QmpEvent<S> : QmpEventOf<S, N>> {
    return this.hub.events(options) as QmpEvents<never>;
  }

  abstract end(): void;

  protected countStrayEvent(): void {
    this.#strayEvents++;
  }

  #submit<R>(
    command: string,
    [args, options]: readonly [args?: unknown, options?: unknown],
    outOfBand: boolean,
  ): Promise<R> {
    const { signal } = (options ?? {}) as QmpExecuteOptions;
    return this.calls.submit({ command, args, outOfBand, signal }) as Promise<R>;
  }
}
