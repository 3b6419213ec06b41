import { expect, test } from "vitest";
import { exactly } from "./results.ts";
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
  const outcomes = (speed: number, cost: number): string[] =>
    judge(some, { speed: exactly(speed), cost: exactly(cost) }).map(({ outcome }) => outcome);
  expect(outcomes(1.4, 0.8)).toEqual(["reached", "reached", "not measured"]);
  expect(outcomes(1.39, 0.81)).toEqual(["missed", "missed", "not measured"]);
});

test("what may be on either side of a bound is not told apart", () => {
  const speed = { value: 1.5, low: 1.3, high: 1.6 };
  const cost = { value: 0.9, low: 0.8, high: 0.9 };
  const verdicts = judge(some, { speed, cost });
  expect(verdicts.map(({ outcome }) => outcome).slice(0, 2)).toEqual(["not to be told apart", "not to be told apart"]);
  expect(formatVerdicts(verdicts)).toContain("1.50 (1.30–1.60)");
  const clear = judge(some, { speed: { value: 2, low: 1.5, high: 3 }, cost: { value: 2, low: 1, high: 3 } });
  expect(clear.map(({ outcome }) => outcome).slice(0, 2)).toEqual(["reached", "missed"]);
});

test("what was not measured is neither reached nor missed", () => {
  const text = formatVerdicts(judge(some, { speed: exactly(2), cost: exactly(1) }));
  expect(text).toContain("1 of 2 targets reached, 1 missed, 0 not to be told apart, 1 not measured");
  expect(text).not.toContain("nobody looked");
  expect(formatVerdicts(judge(some, {}))).toMatch(/^0 of 0 targets reached.* 3 not measured$/);
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
