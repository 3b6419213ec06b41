import { openQmpClient, type QmpClient, type QmpEvent } from "@rehandle/qapi";
import { connect } from "node:net";
import type { DaemonSchema } from "../lib/qmp-schema.ts";
import { until } from "./time.ts";

/** A QMP client that keeps every event. */
export interface MonitorClient extends QmpClient<DaemonSchema> {
  readonly log: readonly QmpEvent<DaemonSchema>[];
}

/** Connects to a monitor's socket and negotiates. */
export async function connectMonitor(path: string): Promise<MonitorClient> {
  const client = openQmpClient<DaemonSchema>(connect(path));
  const log: QmpEvent<DaemonSchema>[] = [];
  void collect(client, log);
  await client.ready;
  return Object.assign(client, { log });
}

async function collect(client: QmpClient<DaemonSchema>, log: QmpEvent<DaemonSchema>[]): Promise<void> {
  for await (const event of client.events()) log.push(event);
}

/** The hang events so far, in short: `HANG true r0-1`. */
export function hangEvents({ log }: MonitorClient): string[] {
  return log.flatMap((message) => {
    if (message.event !== "BLOCK_IO_HANG" && message.event !== "BLOCK_IO_HANG_TIMEOUT") return [];
    const { set, outage } = message.data;
    return [`${message.event.replace("BLOCK_IO_", "")} ${set} ${outage}`];
  });
}

/** Waits until so many hang events came. */
export async function untilHangEvents(monitor: MonitorClient, count: number): Promise<void> {
  await until(`${count} hang events`, () => hangEvents(monitor).length >= count);
}
