import type { Schema } from "./schema.ts";
import type { EventDataOf, EventName } from "./schema-types.ts";

/** When something happened, by the server's clock: seconds since 1970; -1 both if it could not tell. */
export interface QmpTimestamp {
  readonly seconds: number;
  readonly microseconds: number;
}

/** An event; `event` tells which, and so what `data` is. */
export type QmpEvent<S extends Schema> = {
  [N in EventName<S>]: {
    readonly event: N;
    readonly data: EventDataOf<S, N>;
    readonly timestamp: QmpTimestamp;
  };
}[EventName<S>];

/** The events of one name, or of several. */
export type QmpEventOf<S extends Schema, N extends EventName<S>> = Extract<QmpEvent<S>, { event: N }>;
