import { startDaemon } from "@rehandle/storage-daemon";

/** The storage daemon as a process of its own, for tests. */
const daemon = startDaemon(process.argv.slice(2));
process.on("SIGTERM", () => daemon.stop("host-signal"));
setInterval(() => undefined, 2 ** 30);
process.exit(await daemon.exited);
