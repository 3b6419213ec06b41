import { expect, test } from "vitest";
import { stages } from "./stages.ts";
import { targets } from "./targets.ts";
import { formatVerdicts, judge } from "./verdicts.ts";
import { workloads } from "./workloads.ts";

const some = [
  { measure: "speed", atLeast: 1.4 },
  { measure: "cost", atMost: 0.8 },
  { measure: "nobody looked", atMost: 1 },
];

test("a bound itself is still reached", () => {
  expect(judge(some, { speed: 1.4, cost: 0.8 }).map(({ reached }) => reached)).toEqual([true, true, false]);
  expect(judge(some, { speed: 1.39, cost: 0.81 }).map(({ reached }) => reached)).toEqual([false, false, false]);
});

test("what was not measured is neither reached nor missed", () => {
  const text = formatVerdicts(judge(some, { speed: 2, cost: 1 }));
  expect(text).toContain("1 of 2 targets reached, 1 not measured");
  expect(text).not.toContain("nobody looked");
  expect(formatVerdicts(judge(some, {}))).toBe("0 of 0 targets reached, 3 not measured");
});

test("every target of a case names a stage, a workload of it, and two servers of it", () => {
  const pattern = /^([a-z-]+)\/([a-z0-9-]+) (rate|cpu) ours\/(.+)$/;
  const named = targets.map(({ measure }) => pattern.exec(measure)).filter((match) => match !== null);
  expect(named.length).toBeGreaterThan(30);
  for (const [measure, stageId, workloadId = "", , peer] of named) {
    const stage = stages.find(({ id }) => id === stageId);
    const workload = workloads.find(({ id, stages: on }) => id === workloadId && on.includes(stage?.id ?? ""));
    expect(workload, measure).toBeDefined();
    expect(
      stage?.subjects.map(({ id }) => id),
      measure,
    ).toContain(peer);
  }
});
