import { expect, test } from "vitest";

import { Bench } from "../testing/scripted-driver.ts";

const restarts = { instance: "unknown", reportsConnection: true } as const;

test("the flush of an instance that is gone does not keep writes waiting", async () => {
  const b = await Bench.open({ replayLog: { maxCount: 2 } }, restarts);
  b.driver.decide = (r) => (r.operation === "flush" ? "wait" : "ok");
  b.write(0);
  b.write(512);
  const w = b.write(1024);
  b.driver.disconnect();
  b.driver.connect();
  b.driver.decide = () => "ok";
  b.driver.answer("ok");
  b.clock.advance(60000);
  expect(w.state).toBe("ok");
});

test("a flush of the log that fails once does not keep writes waiting", async () => {
  const b = await Bench.open({ replayLog: { maxCount: 2 } }, restarts);
  b.driver.decide = (r) => (r.operation === "flush" ? "wait" : "ok");
  b.write(0);
  b.write(512);
  const w = b.write(1024);
  b.driver.answer("EIO");
  b.driver.decide = () => "ok";
  b.clock.advance(60000);
  expect(w.state).toBe("ok");
});

test("a long backlog does not fill the log without end", async () => {
  const b = await Bench.open({ replayLog: { maxCount: 64 } }, restarts);
  b.driver.disconnect();
  for (let i = 0; i < 1000; i += 1) b.write(i * 512);
  let most = 0;
  b.driver.decide = () => ((most = Math.max(most, b.backend.statistics().replayLog.count)), "ok");
  b.driver.connect();
  b.clock.advance(1000);
  expect(b.backend.statistics().heldNow).toBe(0);
  expect(most).toBeLessThan(200);
});

test("what waits for room when the storage goes away, or comes then, is held by the outage and ends with it", async () => {
  const b = await Bench.open({ iohangTimeout: 10, replayLog: { maxCount: 2 } }, restarts);
  b.driver.decide = (r) => (r.operation === "flush" ? "wait" : "ok");
  b.write(0);
  b.write(512);
  const before = b.write(1024);
  b.driver.disconnect();
  b.driver.answer("ECONNRESET");
  const after = b.write(2048);
  expect(b.backend.hangState).toBe("hang");
  expect(b.backend.statistics().heldNow).toBe(2);
  b.clock.advance(10_000);
  expect([before.state, after.state]).toEqual(["EIO", "EIO"]);
});

test("what is acknowledged while the log is flushed is flushed as well", async () => {
  const b = await Bench.open({ replayLog: { maxCount: 64 } }, restarts);
  b.driver.decide = (r) => (r.operation === "flush" ? "wait" : "ok");
  for (let i = 0; i < 32; i += 1) b.write(i * 512);
  b.driver.decide = () => "ok";
  b.driver.answer("ok");
  expect(b.backend.statistics().replayLog.count).toBe(0);
});
