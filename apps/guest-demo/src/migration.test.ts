import { describe, expect, test } from "vitest";

import type { GuestImage } from "./lib/guest-image.ts";
import { GuestLoad } from "./lib/guest-load.ts";
import { isComplaint } from "./lib/kernel-complaints.ts";
import { QemuGuest } from "./lib/qemu-guest.ts";
import type { Sandbox } from "./lib/sandbox.ts";
import { blocksArguments, wrongBlocks, type BlocksPlan } from "./testing/check-blocks.ts";
import { HoldBench } from "./testing/hold-bench.ts";
import { clock, inSandbox, pause, report, until } from "./testing/in-sandbox.ts";
import { haveGuestPrograms } from "./testing/programs.ts";

const DISKS = ["disk0", "disk1"];

describe.skipIf(!haveGuestPrograms("qemu-system-x86_64", "nbdkit"))("a guest that stands still or moves", () => {
  test("stop and cont while requests are held: nothing is lost", { timeout: 90_000 }, async () => {
    await inSandbox(async (sandbox, image) => {
      const plan = { seed: "stop", workers: 4, blocks: 256 };
      const bench = await HoldBench.start(sandbox, { holdSeconds: 120 });
      const guest = await QemuGuest.boot(sandbox, { name: "guest", image, disks: [bench.socket()] });
      const load = new GuestLoad(clock, guest.agent, blocksArguments("/dev/vda", plan));
      await until("blocks", () => load.total.ops > 50);
      await bench.storage.kill();
      await bench.untilHeld();
      await guest.monitor.execute("stop");
      await pause(500);
      await guest.monitor.execute("cont");
      await pause(500);
      // And once more, with the storage coming back in between.
      await guest.monitor.execute("stop");
      await bench.storage.start();
      await pause(500);
      await guest.monitor.execute("cont");
      const before = load.total.ops;
      await until("blocks again", () => load.total.ops > before + 100);
      await load.stop();
      expect(losses(guest, bench, plan, load)).toEqual([]);
    });
  });

  test("migration, also while requests are held: nothing is lost", { timeout: 120_000 }, async () => {
    await inSandbox(async (sandbox, image) => {
      const plan = { seed: "move", workers: 4, blocks: 256 };
      const bench = await HoldBench.start(sandbox, { holdSeconds: 120, disks: DISKS });
      const first = await QemuGuest.boot(sandbox, { name: "first", image, disks: [bench.socket("disk0")] });
      const load = new GuestLoad(clock, first.agent, blocksArguments("/dev/vda", plan));
      await until("blocks", () => load.total.ops > 50);

      const second = await migrate(sandbox, image, first, "second", bench.socket("disk1"));
      const before = load.total.ops;
      await until("blocks after the migration", () => load.total.ops > before + 50);

      await bench.storage.kill();
      await bench.untilHeld();
      const third = await migrate(sandbox, image, second, "third", bench.socket("disk0"));
      await pause(500);
      await bench.storage.start();
      const held = load.total.ops;
      await until("blocks after the migration in a hang", () => load.total.ops > held + 100);
      await load.stop();
      expect(losses(third, bench, plan, load)).toEqual([]);
    });
  });
});

/** Moves a guest to another QEMU, which uses another export of the same node. */
async function migrate(
  sandbox: Sandbox,
  image: GuestImage,
  from: QemuGuest,
  name: string,
  disk: string,
): Promise<QemuGuest> {
  const to = await QemuGuest.start(sandbox, { name, image, disks: [disk], incoming: true }, from);
  const uri = `unix:${sandbox.path(`${name}-migration.sock`)}`;
  await to.monitor.execute("migrate-incoming", { uri });
  const start = clock.now();
  await from.monitor.execute("migrate", { uri });
  await until(`the migration to ${name}`, async () => {
    const { status, "error-desc": why } = await from.monitor.execute("query-migrate");
    if (status === "failed" || status === "cancelled") throw new Error(`the migration failed: ${why ?? status}`);
    return status === "completed";
  });
  await until(`${name} to run`, async () => (await to.monitor.execute("query-status")).running);
  report(`migration to the ${name} QEMU: ${Math.round(clock.now() - start)} ms`);
  await from.kill();
  return to;
}

/** What is not as it should be after the load was stopped. */
function losses(guest: QemuGuest, bench: HoldBench, plan: BlocksPlan, load: GuestLoad): string[] {
  const complaints = guest.console.lines.filter(isComplaint);
  return [...load.failures, ...complaints, ...wrongBlocks(bench.storage.file, plan, load)];
}
