import { HangLog } from "@rehandle/demo";
import { describe, expect, test } from "vitest";

import { GuestLoad } from "./lib/guest-load.ts";
import { UmlGuest } from "./lib/uml-guest.ts";
import { blocksArguments, wrongBlocks } from "./testing/check-blocks.ts";
import { HoldBench } from "./testing/hold-bench.ts";
import { clock, inSandbox, pause, report, until } from "./testing/in-sandbox.ts";
import { haveGuestPrograms } from "./testing/programs.ts";

/** `iohang-timeout`, s. */
const TIMEOUT = 4;
const PLAN = { seed: "timeout", workers: 2, blocks: 128 };

describe.skipIf(!haveGuestPrograms("linux.uml", "nbdkit"))("iohang-timeout, seen from a guest", () => {
  test("its errors come then, and not before; events agree; afterwards all is well", { timeout: 90_000 }, async () => {
    await inSandbox(async (sandbox, image) => {
      const bench = await HoldBench.start(sandbox, { holdSeconds: TIMEOUT });
      const { agent, console } = await UmlGuest.boot(sandbox, { image, disks: [bench.socket()] });
      const events: string[] = [];
      const hangs = new HangLog((text) => events.push(text.replace(/, outage.*/, "")));
      bench.daemon.monitor.on("BLOCK_IO_HANG", (event) => hangs.take(event));
      bench.daemon.monitor.on("BLOCK_IO_HANG_TIMEOUT", (event) => hangs.take(event));
      let firstError = Number.NaN;
      let eventsThen: string[] = [];
      const load = new GuestLoad(clock, agent, blocksArguments("/dev/vda", PLAN), () => {
        if (load.total.errors === 0 || firstError > 0) return;
        firstError = clock.now();
        eventsThen = [...events];
      });
      await until("blocks", () => load.total.ops > 100);

      const killed = clock.now();
      await bench.storage.kill();
      await pause(1000 * TIMEOUT - 1000);
      expect(load.total.errors).toBe(0);
      expect(events).toEqual(["event BLOCK_IO_HANG, set: true"]);
      await until("errors in the guest", () => load.total.errors > 0);
      report(`first error in the guest ${Math.round(firstError - killed)} ms after the kill, at ${TIMEOUT} s`);
      expect(firstError - killed).toBeGreaterThanOrEqual(1000 * TIMEOUT);
      expect(eventsThen).toEqual(["event BLOCK_IO_HANG, set: true", "event BLOCK_IO_HANG_TIMEOUT, set: true"]);
      await console.until(/I\/O error, dev vda/, 10_000, 0);
      // From now on every failure is told at once.
      const sofar = load.total.errors;
      await until("more errors", () => load.total.errors > sofar + 2);

      const before = load.total.ops;
      await bench.storage.start();
      await until("blocks again", () => load.total.ops > before + 100);
      await until("the end of the hang", () => !hangs.hanging);
      expect(events.toSorted()).toEqual([
        "event BLOCK_IO_HANG, set: false",
        "event BLOCK_IO_HANG, set: true",
        "event BLOCK_IO_HANG_TIMEOUT, set: false",
        "event BLOCK_IO_HANG_TIMEOUT, set: true",
      ]);
      await load.stop();
      expect(load.total.bad).toBe(0);
      expect(wrongBlocks(bench.storage.file, PLAN, load)).toEqual([]);
    });
  });
});
