import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { afterEach, describe, expect, test } from "vitest";
import { createMemoryDriver, createMemoryStorage } from "@rehandle/driver-memory";
import { createNbdServer, type NbdServer } from "@rehandle/nbd";
import { createRandom } from "@rehandle/driver-sdk";
import { createNbdDriver } from "./nbd-driver.ts";
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
async function serve(port: number, host = "127.0.0.1"): Promise<number> {
  const driver = createMemoryDriver({ storage });
  await driver.open({ clock: systemClock, random: createRandom(1), held: false, onEvent: () => {} });
  const server = createNbdServer({ clock: systemClock, exports: [{ name: "x", driver, writable: true }] });
  servers.push(server);
  const { address } = await server.listen({ host, port });
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

/** What the kernel says of the driver's end of the connection: on which family it is, and what it waits for. */
function driverSocket(port: number): { family: 4 | 6; timer: string } {
  const remote = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  for (const family of [4, 6] as const) {
    const table = readFileSync(family === 4 ? "/proc/net/tcp" : "/proc/net/tcp6", "utf8");
    for (const line of table.split("\n").slice(1)) {
      const [, , peer = "", state, , timer = ""] = line.trim().split(/\s+/);
      // Established.
      if (peer.endsWith(remote) && state === "01") return { family, timer: timer.slice(0, 2) };
    }
  }
  throw new Error(`no connection to port ${port}`);
}

const RETRANSMISSION = "01";
const KEEPALIVE = "02";
const NONE = "00";

test.each([
  [{}, KEEPALIVE],
  [{ keepAlive: true }, KEEPALIVE],
  [{ keepAlive: false }, NONE],
] as const)("%j: the kernel's timer for an idle server is %s", async (options, timer) => {
  for (const sockets of ["auto", "node"] as const) {
    const port = await serve(0);
    opened = await openDriver({ server: { type: "inet", host: "127.0.0.1", port, ...options }, export: "x", sockets });
    await opened.client.write(0, new Uint8Array(512));
    await until("what was sent is confirmed", () => driverSocket(port).timer !== RETRANSMISSION);
    expect(driverSocket(port).timer).toBe(timer);
    await opened.driver.close();
  }
});

const hasIpv6 = Object.values(networkInterfaces()).some((found) => found?.some(({ address }) => address === "::1"));
if (!hasIpv6)
  process.stderr.write("\n*** SKIPPED: this machine has no ::1: connecting over IPv6 was not tested ***\n\n");

describe.skipIf(!hasIpv6)("families", () => {
  test.each([
    ["127.0.0.1", { host: "127.0.0.1" }, 4],
    ["127.0.0.1", { host: "127.0.0.1", ipv6: true }, 6],
    ["127.0.0.1", { host: "localhost", ipv4: true }, 4],
    // Where the host has no IPv6 address, its IPv4 ones are reached over IPv6; where it has one, that is used.
    ["::", { host: "localhost", ipv4: false }, 6],
    ["::1", { host: "::1" }, 6],
    ["::1", { host: "::1", ipv4: true, ipv6: true }, 6],
  ] as const)("listening on %s, %j goes over IPv%i", async (host, address, family) => {
    const port = await serve(0, host);
    opened = await openDriver({ server: { type: "inet", port, ...address }, export: "x" });
    expect((await opened.client.read(0, 512)).length).toBe(512);
    expect(driverSocket(port).family).toBe(family);
  });
});

test("an address of the family that is off", async () => {
  const opening = openDriver({ server: { type: "inet", host: "::1", port: 10809, ipv6: false } });
  await expect(opening).rejects.toMatchObject({ code: "EAI_ADDRFAMILY", errorClass: "transport" });
});

test("both families are off", () => {
  const server = { type: "inet", host: "localhost", port: 10809, ipv4: false, ipv6: false } as const;
  expect(() => createNbdDriver({ server })).toThrow("Cannot disable IPv4 and IPv6 at same time");
});
