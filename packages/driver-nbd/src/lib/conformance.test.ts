import { truncateSync, writeFileSync } from "node:fs";
import { describeDriverConformance, type ConformanceSubject } from "@rehandle/driver-sdk/conformance";
import { describe } from "vitest";
import { serveMemory } from "../testing/own-server.ts";
import { havePrograms, Workplace } from "../testing/peers.ts";
import { createNbdDriver } from "./nbd-driver.ts";

/** Over 4 GiB, so that offsets of more than 32 bits are tried; sparse. */
const SIZE = 2 ** 32 + 131_072;

/** A driver on a server of its own. */
async function subject(
  connections: number,
  start: (workplace: Workplace) => Promise<unknown>,
): Promise<ConformanceSubject> {
  const workplace = new Workplace();
  await start(workplace);
  const server = { type: "unix", path: workplace.path("nbd.sock") } as const;
  const create = (): ReturnType<typeof createNbdDriver> => createNbdDriver({ server, connections });
  return { driver: create(), reopen: create, cleanup: () => workplace.remove() };
}

/** A driver on this project's own server. */
async function ownSubject(): Promise<ConformanceSubject> {
  let stop: (() => Promise<void>) | null = null;
  const made = await subject(2, async (workplace) => {
    stop = await serveMemory(workplace.path("nbd.sock"), SIZE);
  });
  return {
    ...made,
    async cleanup() {
      await stop?.();
      await made.cleanup?.();
    },
  };
}

describeDriverConformance("driver-nbd on @rehandle/nbd", { create: ownSubject, context: { held: true } });

async function startQemuNbd(workplace: Workplace): Promise<void> {
  const disk = workplace.path("disk.raw");
  writeFileSync(disk, "");
  truncateSync(disk, SIZE);
  await workplace.qemuNbd(["-e", "8", "-f", "raw", "--discard=unmap", disk]);
}

describe.skipIf(!havePrograms("nbdkit"))("nbdkit memory", () => {
  for (const connections of [1, 3]) {
    describeDriverConformance(`driver-nbd, ${connections} connection(s)`, {
      create: () => subject(connections, (workplace) => workplace.nbdkit(["memory", String(SIZE)])),
      context: { held: true },
    });
  }
  describeDriverConformance("driver-nbd, read-only", {
    create: () => subject(1, (workplace) => workplace.nbdkit(["-r", "pattern", "1M"])),
    // The pattern plugin has at every 8 bytes their own offset.
    expected: (offset, length) => {
      const first = offset - (offset % 8);
      const words = Buffer.alloc(length + 16);
      for (let at = 0; at + 8 <= words.length; at += 8) words.writeBigUInt64BE(BigInt(first + at), at);
      return words.subarray(offset - first, offset - first + length);
    },
  });
  describeDriverConformance("driver-nbd, blocks of 4096 bytes, no multi-conn", {
    create: () =>
      subject(2, (workplace) =>
        workplace.nbdkit([
          "--filter=multi-conn",
          "--filter=blocksize-policy",
          "memory",
          "8M",
          "multi-conn-mode=disable",
          "blocksize-minimum=4096",
          "blocksize-error-policy=error",
        ]),
      ),
  });
});

describe.skipIf(!havePrograms("qemu-nbd"))("qemu-nbd", () => {
  describeDriverConformance("driver-nbd, 2 connections", { create: () => subject(2, startQemuNbd) });
});
