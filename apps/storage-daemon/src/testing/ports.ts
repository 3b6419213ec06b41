import { connect, createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { notRun } from "./programs.ts";

/** True if there is `::1`; if there is none it says so loudly. */
export function hasIpv6(): boolean {
  const found = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return found.some(({ address }) => address === "::1") || notRun("this machine has no ::1: IPv6 was not tested");
}

/** True if there are addresses of both families besides loopback, without which QEMU connects to none of a given family. */
export function hasBothFamilies(): boolean {
  const found = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const outside = new Set(found.filter(({ internal }) => !internal).map(({ family }) => family));
  return outside.size === 2 || notRun("this machine has no address of IPv4 or of IPv6 but loopback: QEMU finds none");
}

/** So many ports in a row that nobody listens on, out of those that the kernel does not choose itself. */
export async function freePorts(count: number): Promise<number[]> {
  for (;;) {
    const first = 12_000 + Math.floor(Math.random() * 18_000);
    const ports = Array.from({ length: count }, (_, i) => first + i);
    const free = await Promise.all(ports.map((port) => isFree(port)));
    if (free.every(Boolean)) return ports;
  }
}

/** On both families, for whoever listens on all addresses. */
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port }, () => void server.close(() => resolve(true)));
  });
}

/** At which addresses of this machine, and which of the ports, somebody accepts. */
export async function reachable(ports: readonly number[]): Promise<string[]> {
  const found: string[] = [];
  for (const host of ["127.0.0.1", "::1"]) {
    for (const port of ports) if (await accepts(host, port)) found.push(`${host} ${port}`);
  }
  return found;
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
