import { expect, test } from "vitest";

import type { ActResult } from "./act.ts";
import { judge } from "./verdict.ts";
import { moral, resultTable } from "./report.ts";

const LIMITS = { firstIoWithin: 1 };
const ALL_RIGHT = { blocks: 2048, right: 2048, uncertain: 0 };
const WITHOUT: ActResult = {
  requests: 9000,
  errors: 640,
  longestStall: 4200,
  outage: 4150,
  firstIo: 80,
  wrongReads: 0,
  readBack: { disk: { ...ALL_RIGHT, uncertain: 12 }, file: ALL_RIGHT },
  hangEvents: [],
};
const WITH: ActResult = {
  ...WITHOUT,
  errors: 0,
  firstIo: 60,
  readBack: { disk: ALL_RIGHT, file: ALL_RIGHT },
  hangEvents: [
    { event: "BLOCK_IO_HANG", set: true, outage: "1" },
    { event: "BLOCK_IO_HANG", set: false, outage: "1" },
  ],
};

test("the story holds", () => {
  expect(judge(WITHOUT, WITH, LIMITS)).toEqual([]);
});

test.for<[string, Partial<ActResult>, Partial<ActResult>, string]>([
  ["no error without I/O hang", { errors: 0 }, {}, "Without I/O hang, the client saw no error"],
  ["an error with I/O hang", {}, { errors: 1 }, "With I/O hang, the client saw 1 error."],
  ["a wrong read", {}, { wrongReads: 2 }, "2 reads gave other data"],
  [
    "a wrong block, even without I/O hang",
    { readBack: { disk: { ...ALL_RIGHT, right: 2047 }, file: ALL_RIGHT } },
    {},
    "Without I/O hang, 1 block read back wrong.",
  ],
  [
    "a wrong block in the file",
    {},
    { readBack: { disk: ALL_RIGHT, file: { ...ALL_RIGHT, right: 2000 } } },
    "With I/O hang, the storage's file has 48 blocks wrong.",
  ],
  [
    "a file that is too short",
    {},
    { readBack: { disk: ALL_RIGHT, file: { blocks: 0, right: 0, uncertain: 0 } } },
    "With I/O hang, the storage's file has 2,048 blocks wrong.",
  ],
  ["a late first I/O", {}, { firstIo: 1001 }, "With I/O hang, the first I/O came only 1.00 s after"],
  ["no I/O any more", {}, { firstIo: null, readBack: null }, "With I/O hang, no request succeeded within 3.00 s"],
  ["no event", {}, { hangEvents: [] }, "none"],
  ["a hang that does not end", {}, { hangEvents: WITH.hangEvents.slice(0, 1) }, "BLOCK_IO_HANG set=true."],
  ["two hangs", {}, { hangEvents: [...WITH.hangEvents, ...WITH.hangEvents] }, "set=false, BLOCK_IO_HANG set=true"],
  [
    "events of two outages",
    {},
    { hangEvents: WITH.hangEvents.map(({ event, set }) => ({ event, set, outage: String(set) })) },
    "events were not one begin and one end of a hang",
  ],
])("%s breaks it", ([, without, withHang, reason]) => {
  const reasons = judge({ ...WITHOUT, ...without }, { ...WITH, ...withHang }, LIMITS);
  expect(reasons).toHaveLength(1);
  expect(reasons[0]).toContain(reason);
});

test("the table shows both acts", () => {
  expect(resultTable(WITHOUT, WITH)).toEqual([
    "                              without I/O hang   with I/O hang",
    "───────────────────────────────────────────────────────────────",
    "errors seen by the client     640                0",
    "longest stall                 4.20 s             4.20 s",
    "storage away                  4.15 s             4.15 s",
    "storage back to first I/O     80 ms              60 ms",
    "requests done                 9,000              9,000",
    "blocks verified               2,048 of 2,048     2,048 of 2,048",
    "blocks in doubt, old or new   12                 0",
  ]);
});

test("the table shows what did not come", () => {
  const table = resultTable(WITHOUT, { ...WITH, outage: null, firstIo: null, readBack: null });
  expect(table.join("\n")).toMatch(/storage away .* for good\n.* never\n.*\n.* not read back\n/);
});

test("the moral fits into 80 columns", () => {
  for (const line of moral({ ...WITHOUT, errors: 99_999 }, WITH)) expect(line.length).toBeLessThan(80);
});
