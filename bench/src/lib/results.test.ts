import { expect, test } from "vitest";
import { measuresOfCase, ratiosToPeer, spreadOfFigure, type CaseResult, type Sample } from "./results.ts";

function sample(rate: number, cpu: number, p99?: number): Sample {
  return { rate, cpu, peak: 100, anonymous: 50, ...(p99 === undefined ? {} : { p99 }) };
}

const ours = { id: "ours", title: "ours", samples: [sample(20, 4, 9), sample(30, 2, 7), sample(400, 3, 8)] };
const peer = { id: "peer", title: "a peer", samples: [sample(10, 8), sample(10, 8), sample(100, 1)] };
const result: CaseResult = { id: "file/load", title: "a load", unit: "IOPS", subjects: [ours, peer] };

test("spreads are over the rounds", () => {
  expect(spreadOfFigure(ours, "rate")).toEqual({ min: 20, median: 30, max: 400 });
  expect(spreadOfFigure(peer, "p99").median).toBeNaN();
});

test("ratios are of the same round", () => {
  expect(ratiosToPeer(ours, peer, "rate")).toEqual([2, 3, 4]);
  expect(ratiosToPeer(ours, peer, "cpu")).toEqual([0.5, 0.25, 3]);
});

test("measures are named medians, without those that are not there", () => {
  const measures = measuresOfCase(result);
  expect(measures["file/load rate ours"]).toEqual({ value: 30, low: 20, high: 400 });
  expect(measures["file/load rate ours/peer"]).toEqual({ value: 3, low: 2, high: 4 });
  expect(Object.keys(measures).filter((name) => name.includes("p99"))).toEqual(["file/load p99 ours"]);
});
