export { loadSystemCalls } from "./lib/system-calls.ts";
export type { SystemCalls } from "./lib/system-calls.ts";
export { VhostUserError } from "./lib/vhost-user-error.ts";
export type { VhostUserErrorCode } from "./lib/vhost-user-error.ts";
