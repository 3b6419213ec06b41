import type { JsonObject } from "@rehandle/json";
import type { QmpClient, QmpEvent, TypedSchema } from "@rehandle/qapi";

/** A schema of which nothing is known beforehand: commands take an object and return something. */
export type AnySchema = TypedSchema<
  Record<string, { arguments: JsonObject; returns: unknown }>,
  Record<string, { data: unknown }>
>;

/** A client of any peer. */
export type PeerClient = QmpClient<AnySchema>;

/** An event of any peer. Nothing in it has been checked but that its name is a string. */
export type PeerEvent = QmpEvent<AnySchema>;
