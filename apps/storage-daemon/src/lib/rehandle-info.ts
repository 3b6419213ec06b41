import { HANG_TIME_BUCKETS, type BlockBackend, type HeldRequest, type TimelineItem } from "@rehandle/core";
import type { Clock } from "@rehandle/driver-sdk";
import type { RehandleInfo } from "@rehandle/qapi";
import type { BackendWatch } from "./backend-watch.ts";
import type { RehandleRequest, RehandleStatistics } from "./qmp-schema.ts";

/** How `forever` looks as a number of seconds. */
const FOREVER = 2n ** 64n - 1n;

/** One entry of `query-rehandle`. */
export function describeBackend(watch: BackendWatch): RehandleInfo {
  const { backend, device, name, reason } = watch;
  const { outage, hangState, policy } = backend;
  const { heldNow, heldBytesNow, oldestHeldMs } = backend.statistics();
  return {
    device,
    "node-name": name,
    enabled: policy.holds,
    paused: backend.ioStatus !== "running",
    status: hangState === "normal" ? "normal" : "hang",
    "iohang-timeout": policy.iohangTimeoutMs === Infinity ? FOREVER : Math.round(policy.iohangTimeoutMs / 1000),
    held: heldNow,
    "held-bytes": heldBytesNow,
    ...(heldNow === 0 ? {} : { "oldest-held": Math.round(oldestHeldMs) }),
    ...(outage === null
      ? {}
      : {
          outage: {
            id: watch.outageId(outage.id),
            since: Math.round(outage.startedAtRealtime),
            "timed-out": hangState === "timed-out",
            ...(reason === null ? {} : { reason }),
          },
        }),
  };
}

/** One entry of `query-rehandle-statistics`. */
export function describeStatistics({ name, backend }: BackendWatch): RehandleStatistics {
  const statistics = backend.statistics();
  return {
    "node-name": name,
    "io-status": backend.ioStatus,
    drain: backend.drainState,
    congested: backend.congested,
    submitted: statistics.submitted,
    completed: statistics.completed,
    failed: statistics.failed,
    held: statistics.held,
    "held-now": statistics.heldNow,
    "held-bytes-now": statistics.heldBytesNow,
    "queued-now": statistics.queuedNow,
    "in-flight-now": statistics.inFlightNow,
    "oldest-held-ms": Math.round(statistics.oldestHeldMs),
    retries: statistics.retries,
    probes: statistics.probes,
    "zombies-now": statistics.zombiesNow,
    outages: statistics.outages,
    timeouts: statistics.timeouts,
    "replay-log": { ...statistics.replayLog },
    "hang-time-buckets": [...HANG_TIME_BUCKETS],
    "hang-times": [...statistics.hangTimes],
  };
}

/** The answer to `query-rehandle-requests`; times of day instead of the clock's own. */
export function describeRequests(backend: BlockBackend, limit: number, clock: Clock): RehandleRequest[] {
  const toRealtime = clock.realtime() - clock.now();
  return backend.heldRequests(limit).map((held) => describeRequest(held, toRealtime));
}

function describeRequest(held: HeldRequest, toRealtime: number): RehandleRequest {
  const { id, operation, offset, length, attempts, heldMs, blockers, lastError, timeline } = held;
  return {
    id,
    operation,
    offset,
    length,
    attempts,
    "held-ms": Math.round(heldMs),
    blockers,
    ...(lastError === undefined ? {} : { error: describeError(lastError) }),
    timeline: timeline.map((item) => describeItem(item, toRealtime)),
  };
}

function describeError(error: NonNullable<HeldRequest["lastError"]>): NonNullable<RehandleRequest["error"]> {
  return { code: error.code, class: error.errorClass, message: error.message, rule: error.rule };
}

function describeItem(item: TimelineItem, toRealtime: number): RehandleRequest["timeline"][number] {
  const at = Math.round(item.at + toRealtime);
  switch (item.what) {
    case "held":
      return { at, what: item.what, why: item.why };
    case "waits-for-overlap":
      return { at, what: item.what, blockers: item.blockers };
    case "failed": {
      const { what, attempt, code, errorClass, message } = item;
      return { at, what, attempt, code, class: errorClass, message };
    }
    case "late":
      return { at, what: item.what, attempt: item.attempt, detached: item.detached };
    default:
      return { at, what: item.what, attempt: item.attempt };
  }
}
