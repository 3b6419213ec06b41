export {
  createNbdServer,
  type CloseOptions,
  type NbdListenAddress,
  type NbdListener,
  type NbdServer,
  type NbdServerEvent,
  type NbdServerOptions,
} from "./lib/server/nbd-server.ts";
export { DEFAULT_LIMITS, type NbdServerLimits } from "./lib/server/limits.ts";
export type { NbdExport } from "./lib/server/nbd-export.ts";
export type { NbdServerTls } from "./lib/server/tls.ts";
