import { expect, test } from "vitest";

import type { ActResult } from "./act.ts";
import { judge } from "./verdict.ts";

const counts = { ops: 100, errors: 0, bad: 0, longest: 20_100 };

const withHang: ActResult = {
  writer: counts,
  reader: counts,
  complaints: [],
  outage: 20_000,
  firstWrite: 100,
  writable: true,
  fsck: "",
  files: { expected: 64, right: 64, output: "" },
  hangEvents: [
    { event: "BLOCK_IO_HANG", set: true, outage: "disk-1" },
    { event: "BLOCK_IO_HANG", set: false, outage: "disk-1" },
  ],
};

const without: ActResult = {
  ...withHang,
  writer: { ...counts, errors: 30 },
  complaints: ["I/O error, dev vda"],
  firstWrite: null,
  writable: false,
  fsck: "skipping journal recovery",
  hangEvents: [],
};

test("the story as it should be holds", () => {
  expect(judge(without, withHang)).toEqual([]);
});

test.for<[string, Partial<ActResult>, Partial<ActResult>]>([
  ["saw no error", { writer: counts }, {}],
  ["did not complain", { complaints: [] }, {}],
  ["outage was too short", { writable: true }, {}],
  ["is not there", { files: { expected: 64, right: 63, output: "" } }, {}],
  ["saw 1 error.", {}, { reader: { ...counts, errors: 1 } }],
  ["gave other data", {}, { reader: { ...counts, bad: 1 } }],
  ["complained: Aborting journal", {}, { complaints: ["Aborting journal"] }],
  ["nothing was written", {}, { firstWrite: null }],
  ["no write waited", {}, { writer: { ...counts, longest: 50 } }],
  ["cannot be written", {}, { writable: false }],
  ["fsck is not content: wrong", {}, { fsck: "wrong" }],
  ["2 files are not", {}, { files: { expected: 64, right: 62, output: "" } }],
  ["events were not", {}, { hangEvents: withHang.hangEvents.slice(1) }],
])("it does not hold if: %s", ([reason, changeOfFirst, changeOfSecond]) => {
  expect(judge({ ...without, ...changeOfFirst }, { ...withHang, ...changeOfSecond })).toEqual([
    expect.stringContaining(reason),
  ]);
});
