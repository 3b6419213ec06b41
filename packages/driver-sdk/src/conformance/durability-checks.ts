import { RequestFlag } from "../lib/block-request.ts";
import { assertBytes } from "./assertions.ts";
import {
  firstReason,
  unlessBlocks,
  unlessDeclared,
  unlessWritable,
  type ConformanceCheck,
} from "./conformance-check.ts";
import type { DriverProbe } from "./driver-probe.ts";

const reopens = firstReason(
  ({ canReopen }) => (canReopen ? null : "the setup has no reopen"),
  unlessWritable,
  unlessBlocks(16),
);

/** What must outlive a driver. */
export const durabilityChecks: readonly ConformanceCheck[] = [
  {
    name: "flushed writes are there after the storage was opened again",
    skipReason: reopens,
    run: async (probe) => {
      const data = probe.bytes(8 * probe.block);
      await probe.write(probe.block, data);
      await probe.perform("flush");
      await probe.reopen();
      assertBytes(await probe.read(probe.block, data.length), data, "flushed data after reopening");
    },
  },
  {
    name: "writes with FUA are there after the storage was opened again",
    skipReason: firstReason(reopens, unlessDeclared("fua")),
    run: checkFua,
  },
  {
    name: "the storage has its size and capabilities again after it was opened again",
    skipReason: reopens,
    run: async (probe) => {
      const before = JSON.stringify(probe.capabilities);
      await probe.reopen();
      const after = JSON.stringify(probe.capabilities);
      if (after !== before) throw new Error(`the capabilities were ${before} and are ${after}`);
    },
  },
];

async function checkFua(probe: DriverProbe): Promise<void> {
  const { block, capabilities } = probe;
  const data = probe.bytes(8 * block);
  await probe.write(block, data, RequestFlag.FUA);
  if (capabilities.writeZeroes) {
    await probe.perform("write-zeroes", 3 * block, 2 * block, RequestFlag.FUA);
    data.fill(0, 2 * block, 4 * block);
  }
  await probe.reopen();
  assertBytes(await probe.read(block, data.length), data, "data written with FUA after reopening");
}
