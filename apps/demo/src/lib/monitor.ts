import { openQmpClient, type QmpClient, type RehandleSchema } from "@rehandle/qapi";
import { connect } from "node:net";

/** A client of the daemon's monitor. */
export type Monitor = QmpClient<RehandleSchema>;

/** Connects to a monitor on a unix socket. @throws Error (as a rejection) if nobody listens there, or not to QMP. */
export async function connectMonitor(path: string): Promise<Monitor> {
  const monitor = openQmpClient<RehandleSchema>(connect(path));
  await monitor.ready;
  return monitor;
}
