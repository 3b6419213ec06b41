import { describe, expect, test } from "vitest";

import { checkExt4, isWritable, makeExt4 } from "./lib/ext4.ts";
import { GuestLoad } from "./lib/guest-load.ts";
import { QemuGuest } from "./lib/qemu-guest.ts";
import { HoldBench } from "./testing/hold-bench.ts";
import { clock, inSandbox, pause, report, until } from "./testing/in-sandbox.ts";
import { haveGuestPrograms } from "./testing/programs.ts";

/** How long QEMU's monitor may take to answer, ms, besides what a reset takes QEMU by itself on this machine. */
const PROMPT = 1000;
const DEVICE = "/dev/vda";
const SYSRQ_B = "echo b >/proc/sysrq-trigger";

/** How a machine is restarted. */
const RESETS: readonly { readonly name: string; readonly reset: (guest: QemuGuest) => Promise<unknown> }[] = [
  {
    name: "sysrq-b in the guest",
    reset: async ({ agent }) => void agent.spawn(SYSRQ_B),
  },
  { name: "system_reset of the monitor", reset: ({ monitor }) => monitor.execute("system_reset") },
];

describe.skipIf(!haveGuestPrograms("qemu-system-x86_64", "nbdkit"))("a reset while requests are held", () => {
  test("the monitor answers, and the guest boots when the storage is back", { timeout: 120_000 }, async () => {
    await inSandbox(async (sandbox, image) => {
      const bench = await HoldBench.start(sandbox, { holdSeconds: 120 });
      const guest = await QemuGuest.boot(sandbox, { name: "guest", image, disks: [bench.socket()] });
      guest.agent.spawn(SYSRQ_B);
      const byItself = await slowestAnswer(guest, 2000);
      await guest.untilBooted(2);
      await makeExt4(guest.agent, DEVICE);
      for (const [index, { name, reset }] of RESETS.entries()) {
        const load = new GuestLoad(clock, guest.agent, `files /mnt reset${index}`);
        await until("files", () => load.of("writer").ops > 10);
        await bench.storage.kill();
        await bench.untilHeld();
        await reset(guest);
        const slowest = await slowestAnswer(guest, 3000);
        report(
          `${name}: the monitor's slowest answer ${Math.round(slowest)} ms, ${Math.round(byItself)} ms without a hang`,
        );
        expect(slowest, name).toBeLessThan(PROMPT + byItself);
        expect(await guest.monitor.execute("query-status"), name).toMatchObject({ running: true });
        await bench.storage.start();
        await guest.untilBooted(3 + index);
        // What fsck has to do after any reset is to replay the journal.
        await guest.agent.mustRun(`fsck.ext4 -p ${DEVICE} && mount -t ext4 ${DEVICE} /mnt`);
        expect(await isWritable(guest.agent), name).toBe(true);
        expect(load.failures).toEqual([]);
        await guest.agent.mustRun("rm -f /mnt/[0-9]*");
      }
      await guest.agent.mustRun("umount /mnt");
      expect(await checkExt4(guest.agent, DEVICE)).toBe("");
      expect(guest.console.lines.filter((line) => line.includes("I/O error"))).toEqual([]);
    });
  });
});

/** The longest of the monitor's answers in the next `ms` milliseconds. */
async function slowestAnswer({ monitor }: QemuGuest, ms: number): Promise<number> {
  const start = clock.now();
  let slowest = 0;
  while (clock.now() - start < ms) {
    const asked = clock.now();
    await monitor.execute("query-status");
    slowest = Math.max(slowest, clock.now() - asked);
    await pause(10);
  }
  return slowest;
}
