import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

import { NODE_COMMAND } from "./lib/backend.ts";
import { DiskDaemon, diskSocket } from "./lib/disk-daemon.ts";
import { checkExt4, checkFiles, isWritable, makeExt4 } from "./lib/ext4.ts";
import type { GuestImage } from "./lib/guest-image.ts";
import { GuestLoad } from "./lib/guest-load.ts";
import { KernelComplaints } from "./lib/kernel-complaints.ts";
import { QemuGuest } from "./lib/qemu-guest.ts";
import type { Sandbox } from "./lib/sandbox.ts";
import { HoldBench } from "./testing/hold-bench.ts";
import { clock, inSandbox, pause, until } from "./testing/in-sandbox.ts";
import { haveGuestPrograms } from "./testing/programs.ts";

/** ms. */
const OUTAGE = 20_000;
const CALM = 1500;
const DEVICE = "/dev/vda";
const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));
const FAULTY_DAEMON = fileURLToPath(new URL("testing/faulty-daemon.ts", import.meta.url));

/** Storage that goes away and comes back. */
interface Storage {
  /** The socket of the guest's disk. */
  readonly disk: string;
  goAway(): Promise<void> | void;
  comeBack(): Promise<void> | void;
}

/** Outages at the same time: during them the machine has nothing to do. */
describe.skipIf(!haveGuestPrograms("qemu-system-x86_64", "nbdkit"))("20 s without storage, under ext4", () => {
  test.concurrent("held: the server of an NBD disk is killed", { timeout: 180_000 }, async () => {
    await inSandbox(async (sandbox, image) => {
      const bench = await HoldBench.start(sandbox, { holdSeconds: 120 });
      expect(await liveThrough(sandbox, image, nbdStorage(bench))).toEqual(NOT_NOTICED);
    });
  });

  test.concurrent("held: reads, writes and flushes of a file fail", { timeout: 180_000 }, async () => {
    await inSandbox(async (sandbox, image) => {
      expect(await liveThrough(sandbox, image, await faultyFile(sandbox))).toEqual(NOT_NOTICED);
    });
  });

  test.concurrent("reported: the server of an NBD disk is killed", { timeout: 180_000 }, async () => {
    await inSandbox(async (sandbox, image) => {
      const bench = await HoldBench.start(sandbox, { holdSeconds: 0 });
      const outcome = await liveThrough(sandbox, image, nbdStorage(bench));
      expect(outcome.failures[0]).toContain("Input/output error");
      expect(outcome.complaints.some((line) => line.includes("I/O error, dev vda"))).toBe(true);
      expect(outcome.complaints.some((line) => line.includes("Remounting filesystem read-only"))).toBe(true);
      expect(outcome.writable).toBe(false);
    });
  });

  test.concurrent("the demo tells it all, of an outage of 8 s", { timeout: 180_000 }, async () => {
    await inSandbox(async (sandbox) => {
      const demo = sandbox.start(NODE_COMMAND[0], [...NODE_COMMAND.slice(1), MAIN, "--plain", "--outage", "8"]);
      expect(await demo.ended, demo.output.lines.join("\n")).toBe(0);
      const output = demo.output.lines.join("\n");
      expect(output).toMatch(/ext4 afterwards +READ-ONLY +writable/);
      expect(output).toMatch(/completed files there, as written +(\d+) of \1 +(\d+) of \2/);
    });
  });
});

function nbdStorage(bench: HoldBench): Storage {
  return {
    disk: bench.socket(),
    goAway: () => bench.storage.kill(),
    comeBack: () => bench.storage.start(),
  };
}

/** A file whose driver has a fault injected. */
async function faultyFile(sandbox: Sandbox): Promise<Storage> {
  const file = sandbox.file("faulty.img", 64 * 1024 * 1024);
  const daemon = await DiskDaemon.start(sandbox, {
    name: "faulty",
    command: [...NODE_COMMAND, FAULTY_DAEMON],
    blockdevs: [
      `driver=file,node-name=file,filename=${file}`,
      "driver=rehandle,node-name=disk,file=file,iohang-timeout=120",
    ],
    disks: [{ id: "disk0", nodeName: "disk" }],
  });
  return {
    disk: diskSocket(sandbox, "disk0"),
    goAway: () => daemon.process.signal("SIGUSR1"),
    comeBack: () => daemon.process.signal("SIGUSR2"),
  };
}

/** What the guest noticed of an outage, and what became of its file system. */
interface Outcome {
  /** What its programs said of errors and wrong data. */
  readonly failures: readonly string[];
  /** What its kernel said. */
  readonly complaints: readonly string[];
  /** A write took most of the outage. */
  readonly stoodStill: boolean;
  /** Files were written when it was over. */
  readonly wentOn: boolean;
  readonly writable: boolean;
  readonly fsck: string;
  readonly files: string;
}

/** It stood still, and that is all. */
const NOT_NOTICED: Outcome = {
  failures: [],
  complaints: [],
  stoodStill: true,
  wentOn: true,
  writable: true,
  fsck: "",
  files: "all as written",
};

async function liveThrough(sandbox: Sandbox, image: GuestImage, storage: Storage): Promise<Outcome> {
  const guest = await QemuGuest.boot(sandbox, { name: "guest", image, disks: [storage.disk] });
  const { agent } = guest;
  const complaints = new KernelComplaints(() => undefined);
  guest.console.onLine((line) => complaints.take(line));
  await makeExt4(agent, DEVICE);
  const load = new GuestLoad(clock, agent, "files /mnt outage");
  await until("files", () => load.of("writer").ops > 10);
  await pause(CALM);

  await storage.goAway();
  await pause(OUTAGE);
  await storage.comeBack();

  const before = load.of("writer").ops;
  const longestWait = load.of("writer").errors === 0 ? 60_000 : CALM;
  await until("a file after the outage", () => load.of("writer").ops > before, longestWait).catch(() => undefined);
  await pause(CALM);
  await load.stop();
  const written = load.of("writer").ops;
  const writable = await isWritable(agent);
  await agent.run("umount /mnt");
  const fsck = await checkExt4(agent, DEVICE);
  const files = await checkFiles(agent, DEVICE, "outage", written);
  return {
    failures: load.failures,
    complaints: complaints.lines,
    stoodStill: load.of("writer").longest > OUTAGE / 2,
    wentOn: written > before,
    writable,
    fsck,
    files: files.right === files.expected ? "all as written" : files.output,
  };
}
