import { readFileSync, statSync, writeSync, openSync, closeSync } from "node:fs";
import { describe, expect, test } from "vitest";

import { qemuBackend, rehandleBackend } from "./lib/backend.ts";
import { DiskDaemon, diskSocket } from "./lib/disk-daemon.ts";
import { checkExt4, makeExt4 } from "./lib/ext4.ts";
import type { GuestAgent } from "./lib/guest-agent.ts";
import { GuestLoad } from "./lib/guest-load.ts";
import { KernelComplaints } from "./lib/kernel-complaints.ts";
import { QemuGuest } from "./lib/qemu-guest.ts";
import { UmlGuest } from "./lib/uml-guest.ts";
import { bootableSectors } from "./testing/boot-sector.ts";
import { blocksArguments, wrongBlocks } from "./testing/check-blocks.ts";
import { clock, inSandbox, until } from "./testing/in-sandbox.ts";
import { haveGuestPrograms } from "./testing/programs.ts";

const MIB = 1024 * 1024;
const SECTOR = 512;

/** The same guests on QEMU's daemon show that it is not they who are wrong. */
describe
  .skipIf(!haveGuestPrograms("qemu-system-x86_64", "qemu-storage-daemon", "linux.uml"))
  .for([rehandleBackend, qemuBackend])("a guest's disk of $name", ({ command, announcesResize }) => {
  test(
    "ext4: made, written and verified, trimmed, resized while mounted, and clean",
    { timeout: 120_000 },
    async () => {
      await inSandbox(async (sandbox, image) => {
        const file = sandbox.file("disk.img", 64 * MIB);
        const daemon = await DiskDaemon.start(sandbox, {
          name: "daemon",
          command,
          blockdevs: [`driver=file,node-name=disk,filename=${file},discard=unmap`],
          disks: [{ id: "disk0", nodeName: "disk", queues: 2 }],
        });
        const disks = [diskSocket(sandbox, "disk0")];
        const guest = await QemuGuest.boot(sandbox, { name: "guest", image, disks, queues: 2, processors: 2 });
        const { agent } = guest;
        const complaints = new KernelComplaints(() => undefined);
        guest.console.onLine((line) => complaints.take(line));

        expect(await agent.mustRun("ls /sys/block/vda/mq")).toBe("0\n1");
        const plan = { seed: "raw", workers: 4, blocks: 256 };
        const raw = new GuestLoad(clock, agent, blocksArguments("/dev/vda", plan));
        await until("blocks", () => raw.total.ops > 300);
        await raw.stop();
        expect(raw.failures).toEqual([]);
        expect(wrongBlocks(file, plan, raw)).toEqual([]);
        // Each queue has an interrupt, and each was used.
        const interrupts = (await agent.mustRun("grep req /proc/interrupts")).split("\n");
        expect(interrupts.map((line) => /[1-9]/.test(line.replace(/^ *\d+:/, "").replace(/[A-Z].*/, "")))).toEqual([
          true,
          true,
        ]);

        await makeExt4(agent, "/dev/vda");
        const files = new GuestLoad(clock, agent, "files /mnt ext4");
        await untilBothWork(files);
        await files.stop();
        expect(files.failures).toEqual([]);

        await agent.mustRun("dd if=/dev/urandom of=/mnt/big bs=1M count=16 && sync && rm /mnt/big && sync");
        const before = statSync(file).blocks;
        expect(await agent.mustRun("fstrim -v /mnt")).toContain("trimmed");
        expect(before - statSync(file).blocks).toBeGreaterThan((12 * MIB) / SECTOR);

        if (announcesResize) await growMounted(daemon, agent);

        await agent.mustRun("umount /mnt");
        expect(await checkExt4(agent, "/dev/vda")).toBe("");
        expect(complaints.lines).toEqual([]);
      });
    },
  );

  test("a BIOS boots from it, reads and writes", { timeout: 60_000 }, async () => {
    await inSandbox(async (sandbox) => {
      const file = sandbox.file("disk.img", MIB);
      const sectors = bootableSectors("rehandle: read by the BIOS");
      const descriptor = openSync(file, "r+");
      writeSync(descriptor, sectors);
      closeSync(descriptor);
      await DiskDaemon.start(sandbox, {
        name: "daemon",
        command,
        blockdevs: [`driver=file,node-name=disk,filename=${file}`],
        disks: [{ id: "disk0", nodeName: "disk" }],
      });
      const guest = await QemuGuest.start(sandbox, { name: "guest", disks: [diskSocket(sandbox, "disk0")] });
      await guest.console.until(/^rehandle: read by the BIOS$/, 30_000, 0);
      expect(readFileSync(file).subarray(2 * SECTOR, 3 * SECTOR)).toEqual(sectors.subarray(SECTOR));
    });
  });

  test("User-Mode Linux as the front end: ext4 made, written and verified, clean", { timeout: 60_000 }, async () => {
    await inSandbox(async (sandbox, image) => {
      const file = sandbox.file("disk.img", 64 * MIB);
      await DiskDaemon.start(sandbox, {
        name: "daemon",
        command,
        blockdevs: [`driver=file,node-name=disk,filename=${file}`],
        disks: [{ id: "disk0", nodeName: "disk" }],
      });
      const { agent, console } = await UmlGuest.boot(sandbox, { image, disks: [diskSocket(sandbox, "disk0")] });
      const complaints = new KernelComplaints(() => undefined);
      console.onLine((line) => complaints.take(line));
      await makeExt4(agent, "/dev/vda");
      const files = new GuestLoad(clock, agent, "files /mnt uml");
      await untilBothWork(files);
      await files.stop();
      expect(files.failures).toEqual([]);
      await agent.mustRun("umount /mnt");
      expect(await checkExt4(agent, "/dev/vda")).toBe("");
      expect(complaints.lines).toEqual([]);
    });
  });
});

/** Makes the disk larger under a mounted ext4, and that fill it. */
async function growMounted(daemon: DiskDaemon, agent: GuestAgent): Promise<void> {
  await daemon.monitor.execute("block_resize", { "node-name": "disk", size: 96 * MIB });
  const sectors = (96 * MIB) / SECTOR;
  await agent.mustRun(`until [ $(cat /sys/block/vda/size) = ${sectors} ]; do sleep 0.05; done`, 20_000);
  await agent.mustRun("resize2fs /dev/vda");
  expect(Number((await agent.mustRun("df -m /mnt | tail -n 1")).split(/ +/)[1])).toBeGreaterThan(75);
}

/** Waits until the writer and the reader of files have each done something. */
async function untilBothWork(files: GuestLoad): Promise<void> {
  await until("files", () => Math.min(files.of("writer").ops, files.of("reader").ops) > 20);
}
