import type { Engine } from "./engine.ts";
import type { BackendStatistics } from "./statistics.ts";
import type { Supervisor } from "./supervisor.ts";

/** Gathers what a backend counted. */
export function collectStatistics(engine: Engine, supervisor: Supervisor): BackendStatistics {
  const { counters, queue, ledger, hang, inFlight, log } = engine;
  const { overdue, fences } = engine.late;
  let heldNow = overdue.size;
  let heldBytesNow = 0;
  for (let entry = queue.head; entry !== null; entry = entry.next) {
    if (entry.heldSince < 0) continue;
    heldNow += 1;
    for (const part of entry.request!.iov) heldBytesNow += part.length;
  }
  const { oldest } = ledger;
  return {
    submitted: engine.lastSeq + counters.refused,
    completed: counters.completed + counters.refused,
    failed: counters.failed + counters.refused,
    held: counters.held,
    heldNow,
    heldBytesNow,
    queuedNow: queue.count,
    inFlightNow: inFlight.count + overdue.size,
    oldestHeldMs: oldest === undefined ? 0 : engine.clock.now() - oldest,
    retries: counters.retries,
    probes: supervisor.prober.sent,
    zombiesNow: fences.size,
    outages: hang.outages,
    timeouts: counters.timeouts,
    replayLog: { count: log?.count ?? 0, bytes: log?.bytes ?? 0, replayed: supervisor.replayer.replayed },
    hangTimes: [...counters.hangTimes],
  };
}
