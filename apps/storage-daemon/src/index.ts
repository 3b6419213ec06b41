export type { DaemonOptions } from "./lib/daemon-options.ts";
export { startDaemon, type RunningDaemon, type StopReason } from "./lib/start-daemon.ts";
