/**
 * The storage daemon with files that can fail, for tests: with SIGUSR1 every read, write and flush of a file fails with EIO
 * from now on, and with SIGUSR2 none does any more.
 */
import { createFaultDriver, type FaultDriver, type FaultRuleHandle } from "@rehandle/driver-sdk/faults";
import { startDaemon } from "@rehandle/storage-daemon";

const drivers: FaultDriver[] = [];
let rules: FaultRuleHandle[] = [];

process.on("SIGUSR1", () => {
  rules = drivers.map((driver) => driver.addRule({ effect: { type: "error", code: "EIO" } }));
});
process.on("SIGUSR2", () => {
  for (const rule of rules) rule.remove();
});

const daemon = startDaemon(process.argv.slice(2), {
  wrapDriver: (driver) => {
    const faulty = createFaultDriver(driver);
    drivers.push(faulty);
    return faulty;
  },
});
process.once("SIGTERM", () => daemon.stop("host-signal"));
process.exitCode = await daemon.exited;
