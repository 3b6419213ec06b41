import type { AbortSignalLike } from "./abort-signal.ts";
import type { QmpEvent, QmpEventOf } from "./qmp-event.ts";
import type { Schema } from "./schema.ts";
import type { ArgumentsOf, CommandName, EventName, ResultOf } from "./schema-types.ts";

/** How one command is run. */
export interface QmpExecuteOptions {
  /**
   * Gives up waiting: the promise rejects with the signal's reason. A command that was not sent yet is never sent; of one
   * that was, the reply is let go, and it may run all the same.
   */
  readonly signal?: AbortSignalLike;
}

/** Which events an iterator is for, and how many may wait. */
export interface QmpEventsOptions<N extends string> {
  /** The events of these names. Default: all. */
  readonly names?: readonly N[];
  /** Events that may wait to be taken. Default 1000. */
  readonly limit?: number;
  /** Ends the iteration: whoever waits, or asks next, gets the signal's reason. */
  readonly signal?: AbortSignalLike;
}

/** A command's arguments, which may be left out if none is mandatory. */
export type ArgumentList<A> = string extends keyof A
  ? [args?: A | undefined, options?: QmpExecuteOptions]
  : Partial<A> extends A
    ? [args?: A | undefined, options?: QmpExecuteOptions]
    : [args: A, options?: QmpExecuteOptions];

/** Events as they come. */
export type QmpEvents<E> = AsyncIterableIterator<E> & {
  /** Events that were let go because nobody took them in time. */
  readonly dropped: number;
};

/** What runs commands and hears events, over one connection or over one after another. */
export interface QmpCaller<S extends Schema> {
  /**
   * Runs a command. Commands may be given before the negotiation is over, and wait.
   *
   * @throws QmpError (as a rejection) of the server's, or of one of the client's own classes; what aborts throws its reason
   */
  execute<N extends CommandName<S>>(command: N, ...args: ArgumentList<ArgumentsOf<S, N>>): Promise<ResultOf<S, N>>;
  /**
   * Runs a command that the schema marks with `allow-oob` at once, before those that wait on the server. It needs the
   * option `oob`; without the capability it fails with `Capability oob not available`.
   *
   * @throws as {@link execute}
   */
  executeOob<N extends CommandName<S>>(command: N, ...args: ArgumentList<ArgumentsOf<S, N>>): Promise<ResultOf<S, N>>;
  /**
   * Calls `listener` for each event of that name; call what is returned to stop it. An error that it throws is an unhandled
   * rejection and disturbs nothing else.
   */
  on<N extends EventName<S>>(event: N, listener: (event: QmpEventOf<S, N>) => void): () => void;
  /**
   * Events from now on, until the caller or the loop ends. A number is the `limit`. Beyond it, or beyond 16 MiB, the oldest
   * are let go and counted in `dropped`.
   */
  events<N extends EventName<S> = EventName<S>>(
    options?: number | QmpEventsOptions<N>,
  ): QmpEvents<EventName<S> extends N ? QmpEvent<S> : QmpEventOf<S, N>>;
  /** Commands that wait, for their turn or for their reply. */
  readonly pending: number;
  /** With the option `schema`: events that it does not know, or that contradict it. They are let go. */
  readonly strayEvents: number;
  /** Closes the connection. Everything that waits fails with `ConnectionClosed` or `ConnectionLost`. */
  end(): void;
}
