import { describe, expect, it } from "vitest";

import { runSeeds } from "../../testing/run-seeds.ts";

// A file of its own, so that two cores share the work.
describe("the production engine over random lives", () => {
  it("keeps its promises (second half of the seeds)", async () => {
    expect(await runSeeds(1)).toBe("");
  }, 600_000);
});
