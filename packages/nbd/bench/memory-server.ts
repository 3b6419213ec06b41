/** The server of the comparison: one default export in memory. Arguments: unix socket, size in bytes. */
import { createMemoryDriver } from "@rehandle/driver-memory";
import { createRandom, createSystemClock } from "@rehandle/driver-sdk";
import { createNbdServer } from "@rehandle/nbd";

const [path = "", size = ""] = process.argv.slice(2);
const clock = createSystemClock();
const driver = createMemoryDriver({ size: Number(size) });
await driver.open({ clock, random: createRandom(1), onEvent: () => undefined, held: false });
const server = createNbdServer({ clock, exports: [{ name: "", driver, writable: true }] });
await server.listen({ path });
process.on("SIGTERM", () => {
  void server.close({ graceMs: 100 });
});
