import { describe, expect, test } from "vitest";

import { GuestLoad } from "./lib/guest-load.ts";
import { isComplaint } from "./lib/kernel-complaints.ts";
import { QemuGuest } from "./lib/qemu-guest.ts";
import { blocksArguments, wrongBlocks } from "./testing/check-blocks.ts";
import { HoldBench } from "./testing/hold-bench.ts";
import { clock, inSandbox, pause, report, until } from "./testing/in-sandbox.ts";
import { haveGuestPrograms } from "./testing/programs.ts";

const KILLS = 10;
const PLAN = { seed: "kill", workers: 4, blocks: 512 };

describe.skipIf(!haveGuestPrograms("qemu-system-x86_64", "nbdkit"))("the daemon is killed under a guest", () => {
  test("ten times, also with held requests: no error, no block wrong", { timeout: 180_000 }, async () => {
    await inSandbox(async (sandbox, image) => {
      const bench = await HoldBench.start(sandbox, { holdSeconds: 120, queues: 2 });
      const disks = [bench.socket()];
      const guest = await QemuGuest.boot(sandbox, { name: "guest", image, disks, queues: 2, processors: 2 });
      const load = new GuestLoad(clock, guest.agent, blocksArguments("/dev/vda", PLAN));
      for (let kill = 0; kill < KILLS; kill++) {
        const before = load.total.ops;
        await until(`blocks after kill ${kill}`, () => load.total.ops > before + 50);
        // The time of the kill wanders over what the daemon does at the time.
        await pause(13 * kill);
        if (kill % 2 === 0) await bench.daemon.kill();
        else await killWhileHolding(bench);
        await bench.startDaemon();
      }
      const before = load.total.ops;
      await until("blocks after the last kill", () => load.total.ops > before + 200);
      await load.stop();
      report(`${KILLS} kills under ${load.total.ops} verified writes; longest operation ${load.total.longest} ms`);
      expect(load.failures).toEqual([]);
      expect(load.total).toMatchObject({ errors: 0, bad: 0 });
      expect(guest.console.lines.filter(isComplaint)).toEqual([]);
      expect(wrongBlocks(bench.storage.file, PLAN, load)).toEqual([]);
    });
  });
});

/** Its storage goes away first, and is back before it starts again. */
async function killWhileHolding(bench: HoldBench): Promise<void> {
  await bench.storage.kill();
  await bench.untilHeld();
  await bench.daemon.kill();
  await bench.storage.start();
}
