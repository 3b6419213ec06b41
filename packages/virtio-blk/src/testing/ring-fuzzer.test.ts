import { createRandom } from "@rehandle/driver-sdk";
import fc from "fast-check";
import { expect, test } from "vitest";

import { fuzzRings } from "./ring-fuzzer.ts";

test("whatever a driver writes, the device neither throws nor hangs nor writes elsewhere", () => {
  let chains = 0;
  const faults = new Set<string>();
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const report = fuzzRings(createRandom(seed), 60);
      chains += report.chains;
      for (const fault of report.faults.keys()) faults.add(fault);
    }),
    { numRuns: 60 },
  );
  // It met good chains and nearly every fault, or it was no test.
  expect(chains).toBeGreaterThan(200);
  expect(faults.size).toBeGreaterThan(10);
});
