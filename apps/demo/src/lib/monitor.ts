import { createQmpClient, type QmpClient, type RehandleSchema } from "@rehandle/qapi";
import { connect } from "node:net";

/** A client of the daemon's monitor. */
export type Monitor = QmpClient<RehandleSchema>;

/** Connects to a monitor on a unix socket. @throws Error (as a rejection) if nobody listens there, or not to QMP. */
export async function connectMonitor(path: string): Promise<Monitor> {
  const socket = connect(path);
  const monitor = createQmpClient<RehandleSchema>({
    write: (bytes) => void socket.write(bytes),
    end: () => void socket.end(),
  });
  socket.on("data", (bytes) => monitor.receive(bytes));
  const lost = new Promise<never>((_, reject) => {
    socket.on("error", reject);
    socket.on("close", () => {
      monitor.closed();
      reject(new Error("the monitor closed the connection"));
    });
  });
  await Promise.race([monitor.ready, lost]);
  // From now on, it is the commands that fail.
  lost.catch(() => undefined);
  return monitor;
}
