import { startDaemon } from "./lib/start-daemon.ts";

const daemon = startDaemon(process.argv.slice(2));

/** A reader of the log that went away is no reason to end. */
process.stdout.on("error", () => undefined);
process.stderr.on("error", () => undefined);

let asked = false;

function onSignal(signal: NodeJS.Signals): void {
  if (asked) {
    daemon.log("error", `second signal (${signal}): ending at once`);
    daemon.abandon();
    process.exit(1);
  }
  asked = true;
  daemon.stop("host-signal");
}

for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, onSignal);

process.on("uncaughtException", (error) => {
  daemon.log("error", `uncaught: ${error.stack ?? error.message}`);
  daemon.abandon();
  process.exit(1);
});

// A daemon without clients stays, though nothing else may keep the process.
setInterval(() => undefined, 0x7fffffff);

process.exit(await daemon.exited);
