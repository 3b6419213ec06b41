/** What the daemon's monitors speak: generated from schema/storage-daemon.json. */
export { daemonIntrospection } from "./generated/introspection.ts";
export { daemonSchema, type DaemonSchema } from "./generated/schema.ts";
export type { RehandleRequest, RehandleStatistics } from "./generated/types.ts";
