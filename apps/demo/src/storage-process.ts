/**
 * The storage, a process of its own so that it can really be killed: serves a file over NBD on a unix socket.
 * Arguments: the socket, the file. It begins at the first message of its parent, and sends the time since 1970, ms, from
 * when on it accepts connections.
 */
import { rmSync } from "node:fs";

import { createFileDriver } from "@rehandle/driver-file";
import { createRandom, createSystemClock } from "@rehandle/driver-sdk";
import { createNbdServer } from "@rehandle/nbd";

const [path = "", filename = ""] = process.argv.slice(2);

process.once("message", () => void serve());
// Without the demo there is nobody left to serve.
process.once("disconnect", () => process.exit());

async function serve(): Promise<void> {
  const clock = createSystemClock();
  const driver = createFileDriver({ filename });
  await driver.open({ clock, random: createRandom(process.pid), onEvent: () => undefined, held: false });
  const server = createNbdServer({ clock, exports: [{ name: "disk", driver, writable: true }] });
  // A killed server leaves its socket behind.
  rmSync(path, { force: true });
  await server.listen({ path });
  process.send?.(clock.realtime());
}
