import { expect, test } from "vitest";
import { measuresOfCase, ratioToPeer, spreadOfFigure, type CaseResult, type Sample } from "./results.ts";

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
  expect(ratioToPeer(ours, peer, "rate")).toEqual({ min: 2, median: 3, max: 4 });
  expect(ratioToPeer(ours, peer, "cpu")).toEqual({ min: 0.25, median: 0.5, max: 3 });
});

test("measures are named medians, without those that are not there", () => {
  const measures = measuresOfCase(result);
  expect(measures).toMatchObject({ "file/load rate ours": 30, "file/load rate ours/peer": 3, "file/load p99 ours": 8 });
  expect(Object.keys(measures).filter((name) => name.includes("p99"))).toEqual(["file/load p99 ours"]);
});
