import fc from "fast-check";
import { expect, test } from "vitest";

import { HostileGuest } from "./testing/hostile-guest.ts";

test.each([
  { packed: false, dataPath: "direct" },
  { packed: true, dataPath: "direct" },
  { packed: false, dataPath: "copy" },
  { packed: true, dataPath: "copy" },
] as const)("whatever a guest writes into its rings, nothing throws, hangs or writes elsewhere: %o", (each) => {
  let submitted = 0;
  let broken = 0;
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 40 }), (seed, rounds) => {
      const guest = new HostileGuest(seed, each.packed, each.dataPath);
      for (let round = 0; round < rounds; round += 1) guest.round();
      submitted += guest.driver.log.length;
      broken += guest.broken;
    }),
    { numRuns: 60 },
  );
  // It is neither so hostile that nothing is ever done, nor so tame that nothing is ever wrong.
  expect(submitted).toBeGreaterThan(100);
  expect(broken).toBeGreaterThan(20);
});
