import { tmpdir } from "node:os";
import { afterAll, expect, test } from "vitest";
import { formatScale, measureScale, measuresOfScale } from "./scale.ts";
import { targets } from "./targets.ts";
import { Workshop } from "./workshop.ts";

const few = { requests: 10_000, ns: [100, 200, 400], bytes: [1000, 1000, 1000] };
const many = { requests: 1_000_000, ns: [150, 400, 500], bytes: [1100, 1200, 1300] };

test("growth is of what each request takes, round by round", () => {
  const measures = measuresOfScale([few, { ...few, requests: 100_000 }, many]);
  expect(measures).toEqual({
    "scale ns per request, 1000000 held to 10000": { value: 1.5, low: 1.25, high: 2 },
    "scale bytes per request, 1000000 held to 10000": { value: 1.2, low: 1.1, high: 1.3 },
  });
  expect(targets.map(({ measure }) => measure)).toEqual(expect.arrayContaining(Object.keys(measures)));
  expect(measuresOfScale([])).toEqual({});
});

test("a line for each count", () => {
  expect(formatScale([few, many])).toMatch(/\| 1,000,000 +\| +150 \| +400 \| +500 \| +1200 \|$/);
});

const workshop = new Workshop(tmpdir());
afterAll(() => workshop.close());

test("the engine holds requests and gives them back", async () => {
  const results = await measureScale(workshop, 1, [10, 1000]);
  expect(results.map(({ requests }) => requests)).toEqual([10, 1000]);
  for (const { ns, bytes } of results) {
    expect(ns[0]).toBeGreaterThan(0);
    expect(bytes).toHaveLength(1);
  }
});
