import { createVirtualClock } from "@rehandle/driver-sdk";
import { expect, test } from "vitest";

import { LineLog } from "./line-log.ts";

test("lines are put together from pieces, without their ends", () => {
  const log = new LineLog(createVirtualClock(), "test");
  log.take("on");
  log.take("e\r\ntwo\nthr");
  expect(log.lines).toEqual(["one", "two"]);
});

test("one can wait for a line, in the past or in the future", async () => {
  const log = new LineLog(createVirtualClock(), "test");
  log.take("old\n");
  expect(await log.until(/old/, 1000, 0)).toBe("old");
  const next = log.until(/old|new/, 1000);
  log.take("something\nnew\n");
  expect(await next).toBe("new");
});

test("who waits in vain hears what came instead", async () => {
  const clock = createVirtualClock();
  const log = new LineLog(clock, "the guest");
  const waiting = log.until(/ready/, 1000);
  log.take("Kernel panic\n");
  clock.advance(1000);
  await expect(waiting).rejects.toThrow(/the guest did not say .*\nKernel panic/);
});
