export { loadSockets, type Sockets } from "./lib/load-sockets.ts";
export { OutputParts } from "./lib/output-parts.ts";
export type { RawSocket, SocketSink } from "./lib/raw-socket.ts";
export type { Ready } from "./lib/ready-list.ts";
export type { TakenSocket } from "./lib/take-over.ts";
