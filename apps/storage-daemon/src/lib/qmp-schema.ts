import { rehandleSchema, type RehandleSchema, type SchemaTypeOf } from "@rehandle/qapi";

/** Types of the commands that only this program has. */
const daemonQmpTypes = {
  RehandleRequestError: { struct: { code: "str", class: "str", message: "str", rule: "str" } },
  RehandleTimelineItem: {
    struct: {
      at: "number",
      what: "str",
      "*attempt": "uint64",
      "*why": "str",
      "*blockers": "uint64",
      "*code": "str",
      "*class": "str",
      "*message": "str",
      "*detached": "bool",
    },
  },
  RehandleRequest: {
    struct: {
      id: "uint64",
      operation: "str",
      offset: "uint64",
      length: "uint64",
      attempts: "uint64",
      "held-ms": "number",
      blockers: "uint64",
      "*error": "RehandleRequestError",
      timeline: ["RehandleTimelineItem"],
    },
  },
  RehandleReplayLog: { struct: { count: "uint64", bytes: "uint64", replayed: "uint64" } },
  RehandleStatistics: {
    struct: {
      "node-name": "str",
      "io-status": "str",
      drain: "str",
      congested: "bool",
      submitted: "uint64",
      completed: "uint64",
      failed: "uint64",
      held: "uint64",
      "held-now": "uint64",
      "held-bytes-now": "uint64",
      "queued-now": "uint64",
      "in-flight-now": "uint64",
      "oldest-held-ms": "number",
      retries: "uint64",
      probes: "uint64",
      "zombies-now": "uint64",
      outages: "uint64",
      timeouts: "uint64",
      "replay-log": "RehandleReplayLog",
      "hang-time-buckets": ["uint64"],
      "hang-times": ["uint64"],
    },
  },
  RehandleFailResult: { struct: { failed: "uint64" } },
} as const;

/** Commands that only this program has. */
const daemonQmpCommands = {
  "query-rehandle-requests": {
    data: { "node-name": "str", "*limit": "uint32" },
    returns: ["RehandleRequest"],
  },
  "query-rehandle-statistics": { data: { "*node-name": "str" }, returns: ["RehandleStatistics"] },
  "rehandle-fail": { data: { "node-name": "str", "*id": "uint64" }, returns: "RehandleFailResult" },
  "rehandle-extend": { data: { "node-name": "str", ms: "uint32" } },
} as const;

/** Events that only this program sends. */
const daemonQmpEvents = {
  /** Storage answers, but it is not the storage that was opened; it is left alone. */
  BLOCK_STORAGE_REFUSED: {
    data: { device: "str", "node-name": "str", "*outage": "str", code: "str", reason: "str" },
  },
} as const;

/** What the daemon's monitors speak. */
export interface DaemonSchema {
  readonly types: RehandleSchema["types"] & typeof daemonQmpTypes;
  readonly commands: RehandleSchema["commands"] & typeof daemonQmpCommands;
  readonly events: RehandleSchema["events"] & typeof daemonQmpEvents;
}

/** {@link DaemonSchema} as data. */
export const daemonSchema: DaemonSchema = {
  types: { ...rehandleSchema.types, ...daemonQmpTypes },
  commands: { ...rehandleSchema.commands, ...daemonQmpCommands },
  events: { ...rehandleSchema.events, ...daemonQmpEvents },
};

/** One entry of `query-rehandle-requests`. */
export type RehandleRequest = SchemaTypeOf<DaemonSchema, "RehandleRequest">;

/** One entry of `query-rehandle-statistics`. */
export type RehandleStatistics = SchemaTypeOf<DaemonSchema, "RehandleStatistics">;
