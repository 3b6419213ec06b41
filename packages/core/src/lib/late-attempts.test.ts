import { expect, test } from "vitest";

import { Bench } from "../testing/scripted-driver.ts";

const restarts = { instance: "unknown", reportsConnection: true } as const;

test("an overdue request that stop holds is tried afresh", async () => {
  const b = await Bench.open({ requestTimeout: 100, write: { retryTimeout: 0, action: "stop" } });
  b.driver.detaches = true;
  b.driver.decide = () => "wait";
  const w = b.write(0);
  b.clock.advance(200);
  expect(b.backend.ioStatus).toBe("stopped");
  b.driver.answer("ECANCELED");
  b.driver.decide = () => "ok";
  b.backend.resume();
  b.clock.advance(1000);
  expect(w.state).toBe("ok");
});

test("an overdue request that the driver keeps stops as its policy says", async () => {
  const b = await Bench.open({ requestTimeout: 100, write: { retryTimeout: 0, action: "stop" } });
  b.driver.decide = () => "wait";
  const w = b.write(0);
  b.clock.advance(200);
  b.driver.answer("ECONNRESET");
  expect([b.backend.ioStatus, w.state]).toEqual(["stopped", "pending"]);
});

for (const held of ["export", "fail"] as const)
  test(`a request that a drain called back comes to its end as the drain says (${held})`, async () => {
    const b = await Bench.open();
    b.driver.decide = () => "wait";
    const w = b.write(0);
    const d = b.backend.drain({ held, deadline: 100 });
    b.clock.advance(100);
    await d;
    b.driver.decide = () => "ok";
    b.driver.answer("ECANCELED");
    expect(w.state).toBe(held === "fail" ? "EIO" : "pending");
    b.backend.drainEnd();
    b.clock.advance(1000);
    expect(w.state).toBe(held === "fail" ? "EIO" : "ok");
  });

test("a request that only the outage held can be called back", async () => {
  const b = await Bench.open();
  b.driver.disconnect();
  const w = b.write(0);
  b.driver.decide = () => "wait";
  b.driver.connect();
  const d = b.backend.drain({ held: "fail", deadline: 100 });
  b.clock.advance(100);
  await d;
  b.driver.answer("ECANCELED");
  expect(w.state).toBe("EIO");
});

test("an answer of an instance that may be gone is no success, if it cannot be asked again", async () => {
  const b = await Bench.open({ iohangTimeout: 0 }, restarts);
  b.driver.decide = () => "wait";
  const w = b.write(0, 512, 7);
  b.driver.disconnect();
  b.driver.decide = () => "ok";
  b.driver.connect();
  b.driver.answer("ok");
  const f = b.flush();
  expect(f.state).toBe("ok");
  expect(w.state === "ok" && b.driver.seen.filter((s) => s === "write 0+512").length === 1).toBe(false);
});
