import { createMemoryDriver, type MemoryDriverOptions } from "@rehandle/driver-memory";
import { createRandom, createSystemClock, createVirtualClock, type VirtualClock } from "@rehandle/driver-sdk";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NbdExport } from "../server/nbd-export.ts";
import { createNbdServer, type NbdServer, type NbdServerEvent, type NbdServerOptions } from "../server/nbd-server.ts";
import { createHeldDriver, type HeldDriver } from "./held-driver.ts";

/** A server on a unix socket, with one default export named `disk` on a memory driver. */
export interface TestServer {
  readonly server: NbdServer;
  readonly driver: HeldDriver;
  /** Moved by the test only. */
  readonly clock: VirtualClock;
  readonly directory: string;
  /** The unix socket. */
  readonly path: string;
  readonly uri: string;
  readonly events: NbdServerEvent[];
  stop(): Promise<void>;
}

/** What a test wants to be other than usual. */
export interface TestServerOptions extends Partial<Omit<NbdServerOptions, "clock" | "exports">> {
  memory?: Partial<MemoryDriverOptions>;
  nbdExport?: Partial<NbdExport>;
}

/** How servers read and answer requests, if the test does not say. */
let usualSockets: "auto" | "node" = "auto";

/** From now on in this file, servers use these. */
export function useSockets(sockets: "auto" | "node"): void {
  usualSockets = sockets;
}

/** A memory driver that is open, 1 MiB unless something else is said. */
export async function openMemory(options: Partial<MemoryDriverOptions> = {}): Promise<HeldDriver> {
  const driver = createHeldDriver(createMemoryDriver({ size: 1 << 20, ...options }));
  await driver.open({ clock: createSystemClock(), random: createRandom(1), onEvent: () => undefined, held: false });
  return driver;
}

/** Starts a server; stop it when done. */
export async function serve(options: TestServerOptions = {}): Promise<TestServer> {
  const { memory, nbdExport, ...rest } = options;
  const driver = await openMemory(memory);
  const clock = createVirtualClock();
  const events: NbdServerEvent[] = [];
  const server = createNbdServer({
    clock,
    exports: [{ name: "disk", description: "a test's disk", driver, writable: true, default: true, ...nbdExport }],
    onEvent: (event) => events.push(event),
    sockets: usualSockets,
    ...rest,
  });
  const directory = mkdtempSync(join(tmpdir(), "rehandle-nbd-"));
  const path = join(directory, "socket");
  await server.listen({ path });
  const stop = async (): Promise<void> => {
    driver.hold = false;
    driver.release();
    const closed = server.close({ graceMs: 0 });
    clock.advance(1);
    await closed;
    await driver.close();
    rmSync(directory, { recursive: true, force: true });
  };
  return { server, driver, clock, directory, path, uri: `nbd+unix:///?socket=${path}`, events, stop };
}

/** Waits until something is true; the test's own timeout ends it if it never is. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) {
    await new Promise<void>((resolve) => {
      setTimeout(resolve, 2);
    });
  }
}
