import { afterEach, expect, test } from "vitest";
import { createMemoryDriver, createMemoryStorage } from "@rehandle/driver-memory";
import { createNbdServer, type NbdServer } from "@rehandle/nbd";
import { createRandom } from "@rehandle/driver-sdk";
import { openDriver, systemClock, until, type OpenedDriver } from "../testing/opened-driver.ts";

const storage = createMemoryStorage({ size: 1 << 20 });
let opened: OpenedDriver | null = null;
const servers: NbdServer[] = [];

afterEach(async () => {
  await opened?.driver.close();
  opened = null;
  for (const server of servers.splice(0)) await server.close({ graceMs: 0 });
});

/** Serves the storage; resolves with the port. */
async function serve(port: number): Promise<number> {
  const driver = createMemoryDriver({ storage });
  await driver.open({ clock: systemClock, random: createRandom(1), held: false, onEvent: () => {} });
  const server = createNbdServer({ clock: systemClock, exports: [{ name: "x", driver, writable: true }] });
  servers.push(server);
  const { address } = await server.listen({ host: "127.0.0.1", port });
  return "port" in address ? address.port : 0;
}

test.for(["127.0.0.1", "localhost"])("%s: there, gone and back", async (host) => {
  const port = await serve(0);
  const server = { type: "inet", host, port } as const;
  opened = await openDriver({ server, export: "x", connections: 3 });
  const { client, events } = opened;
  await client.write(512, new Uint8Array(512).fill(6));
  await servers.pop()!.close({ graceMs: 0 });
  await until("the loss is noticed", () => events.length === 1);
  await serve(port);
  await until("it is back", () => events.length === 2);
  expect(events).toMatchObject([{ type: "disconnected" }, { type: "connected", generation: 2 }]);
  expect((await client.read(512, 512))[511]).toBe(6);
});

test.for(["127.0.0.1", "localhost"])("%s: nobody listens", async (host) => {
  const port = await serve(0);
  await servers.pop()!.close({ graceMs: 0 });
  const opening = openDriver({ server: { type: "inet", host, port } });
  await expect(opening).rejects.toMatchObject({ code: "ECONNREFUSED", errorClass: "transport" });
  await expect(opening).rejects.toThrow(`Failed to connect to '${host}:${port}': connect ECONNREFUSED`);
});

test("a host that does not exist", async () => {
  const opening = openDriver({ server: { type: "inet", host: "no-such-host.invalid", port: 10809 } });
  await expect(opening).rejects.toMatchObject({ errorClass: "transport", cause: { syscall: "getaddrinfo" } });
});
