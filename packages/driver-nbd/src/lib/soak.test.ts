import { expect, test } from "vitest";
import { soak } from "../testing/soak.ts";

test.each(["auto", "node"] as const)(
  "nothing stalls and no data is wrong, whatever clients do (sockets: %s)",
  async (sockets) => {
    const report = await soak({ clients: 6, rounds: 4, seed: 1, sockets, stallMs: 15_000 });
    expect(report.operations).toBeGreaterThan(1000);
    expect(report.parts.close).toBe(24);
  },
);
