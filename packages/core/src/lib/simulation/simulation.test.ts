import { describe, expect, it } from "vitest";

import { runSeeds } from "../../testing/run-seeds.ts";
import { runSimulation } from "./run-simulation.ts";

describe("the production engine over random lives", () => {
  it("keeps its promises (first half of the seeds)", async () => {
    expect(await runSeeds(0)).toBe("");
  }, 600_000);

  it("gives the same life for the same seed", async () => {
    for (const seed of [11, 12, 13]) {
      const once = await runSimulation(seed);
      expect(await runSimulation(seed)).toEqual(once);
    }
  });
});
