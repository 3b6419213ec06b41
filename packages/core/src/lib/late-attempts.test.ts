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

test("the log keeps what an abandoned write wrote, not what its buffers hold now", async () => {
  const b = await Bench.open({}, restarts);
  b.driver.detaches = true;
  b.driver.decide = () => "wait";
  const w = b.write(0, 512, 7);
  expect(b.backend.abandon?.(w.request)).toBe(true);
  w.request.iov[0]!.fill(9);
  b.driver.answer("ok");
  expect(w.state).toBe("ok");
  b.driver.disconnect();
  b.driver.connect();
  expect(b.driver.waiting[0]!.iov[0]![0]).toBe(7);
});

test("a request that is overdue and not held has been held for no time", async () => {
  const b = await Bench.open({ iohangTimeout: 0, requestTimeout: 100 });
  b.driver.decide = () => "wait";
  b.clock.advance(1000);
  b.read(0);
  b.clock.advance(200);
  expect(
    b.backend
      .heldRequests()
      .map((h) => h.heldMs)
      .every((ms) => ms <= 200),
  ).toBe(true);
});
