import { createVirtualClock } from "@rehandle/driver-sdk";
import { expect, test } from "vitest";
import { createLog } from "./log.ts";

function start(): { clock: ReturnType<typeof createVirtualClock>; lines: string[]; log: ReturnType<typeof createLog> } {
  const clock = createVirtualClock();
  const lines: string[] = [];
  return { clock, lines, log: createLog(clock, (line) => lines.push(line)) };
}

test("a line has a time stamp, a level and a subject", () => {
  const { clock, lines, log } = start();
  log.write("warning", "r0", "outage r0-1 began");
  expect(lines).toEqual([`${new Date(clock.realtime()).toISOString()} warning r0: outage r0-1 began\n`]);
});

test("what peers say cannot begin a line of its own or steer a terminal", () => {
  const { lines, log } = start();
  log.write("info", "nbd", "client said: a\nb\u001b[2J\u009b\u2028é");
  expect(lines[0]).toContain("a\\u000ab\\u001b[2J\\u009b\\u2028é\n");
});

test("of one kind five lines are written in ten seconds, and how many were left out is said", () => {
  const { clock, lines, log } = start();
  for (let i = 0; i < 100; i += 1) log.limited("read failed", "warning", "r0", `read ${i} failed`);
  log.limited("read failed", "warning", "r1", "another node's");
  log.limited("write failed", "warning", "r0", "another kind");
  expect(lines).toHaveLength(7);
  clock.advance(10_000);
  expect(lines).toHaveLength(8);
  expect(lines[7]).toContain("warning r0: 95 more of this kind were not logged: read failed");
  log.limited("read failed", "warning", "r0", "again");
  expect(lines[8]).toContain("again");
});

test("closing says at once what was left out, and leaves no timer", () => {
  const { clock, lines, log } = start();
  for (let i = 0; i < 6; i += 1) log.limited("x", "info", "r0", `${i}`);
  log.close();
  expect(lines[5]).toContain("1 more of this kind");
  clock.advance(60_000);
  expect(lines).toHaveLength(6);
});

test("however many kinds there are, memory is bounded", () => {
  const { lines, log } = start();
  for (let i = 0; i < 5000; i += 1) log.limited(`kind ${i}`, "info", "r0", "x");
  expect(lines).toHaveLength(1005);
});
