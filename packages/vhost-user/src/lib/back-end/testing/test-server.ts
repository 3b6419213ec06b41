import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { createMemoryDriver } from "@rehandle/driver-memory";
import { createRandom, createSystemClock } from "@rehandle/driver-sdk";
import type { BlockDriver } from "@rehandle/driver-sdk";

import { createVhostUserServer } from "../../vhost-user-server.ts";
import type { VhostUserEvent, VhostUserServer, VhostUserServerOptions } from "../../vhost-user-server.ts";

/** A server that listens, and what it told. */
export interface TestServer {
  readonly server: VhostUserServer;
  readonly path: string;
  readonly events: VhostUserEvent[];
  /** Reasons of the disconnections so far. */
  readonly reasons: () => (string | null)[];
  readonly close: () => Promise<void>;
}

/** Starts a server in a folder of its own, over a disk of 1 MiB in memory if no driver is given. */
export async function startServer(options: Partial<VhostUserServerOptions> = {}): Promise<TestServer> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "vhost-user-"));
  const place = path.join(folder, "socket");
  const clock = createSystemClock();
  const driver: BlockDriver = options.driver ?? createMemoryDriver({ size: 1 << 20 });
  await driver.open({ clock, random: createRandom(1), onEvent: () => server.notifyResized(), held: false });
  const events: VhostUserEvent[] = [];
  const server = createVhostUserServer({
    clock,
    writable: true,
    path: place,
    onEvent: (event) => events.push(event),
    ...options,
    driver,
  });
  await server.listen();
  return {
    server,
    path: place,
    events,
    reasons: () => events.flatMap((event) => (event.type === "disconnected" ? [event.reason?.message ?? null] : [])),
    async close() {
      await server.close();
      fs.rmSync(folder, { recursive: true });
    },
  };
}

/** Waits for a condition, for up to ten seconds. */
export async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; !condition(); turn += 1) {
    if (turn === 5000) throw new Error("it did not happen");
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Mappings of guest memory and inflight regions; a front end's dirty log stays mapped. */
export function countMappings(): number {
  const maps = fs.readFileSync("/proc/self/maps", "utf8").split("\n");
  return maps.filter((line) => /\/memfd:(?!dirty-log)|\/dev\/shm\//.test(line)).length;
}

export function countDescriptors(): number {
  return fs.readdirSync("/proc/self/fd").length;
}
