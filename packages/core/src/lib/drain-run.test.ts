import { createRequest } from "@rehandle/driver-sdk";
import { expect, test } from "vitest";

import { Bench } from "../testing/scripted-driver.ts";

const restarts = { instance: "unknown", reportsConnection: true } as const;

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

test("whatever is submitted while the backend closes comes to its end", async () => {
  const b = await Bench.open();
  b.backend.pause();
  let done = 0;
  const again = (n: number): void => {
    b.backend.submit(
      createRequest({
        operation: "flush",
        complete: () => {
          done += 1;
          if (n > 0) void Promise.resolve().then(() => again(n - 1));
        },
      }),
    );
  };
  again(9);
  const c = b.backend.close();
  await settle();
  b.clock.advance(5000);
  await c;
  await settle();
  expect(done).toBe(10);
});

test("failing what is held ends congestion", async () => {
  const b = await Bench.open({ maxHeldRequests: 2 });
  b.driver.disconnect();
  for (let i = 0; i < 4; i += 1) b.read(i * 512);
  expect(b.backend.congested).toBe(true);
  b.backend.failHeld();
  expect(b.backend.congested).toBe(false);
});

test("failing what is held ends a drain", async () => {
  const b = await Bench.open();
  b.driver.disconnect();
  b.read(0);
  const d = b.backend.drain({ deadline: 5000 });
  b.backend.failHeld();
  expect(b.backend.drainState).toBe("drained");
  b.clock.advance(6000);
  await d;
});

test("giving up what is held ends congestion", async () => {
  const b = await Bench.open({ maxHeldRequests: 2 });
  b.driver.disconnect();
  const rs = [0, 1, 2, 3].map((i) => b.read(i * 512));
  for (const r of rs) b.backend.abandon?.(r.request);
  expect(b.backend.congested).toBe(false);
});

for (const held of ["wait", "fail"] as const)
  test(`a drain (${held}) waits for writes that wait for room in the log`, async () => {
    const b = await Bench.open({ replayLog: { maxCount: 2 } }, restarts);
    b.driver.decide = (r) => (r.operation === "flush" ? "wait" : "ok");
    const ws = [0, 1, 2, 3, 4, 5, 6, 7].map((i) => b.write(i * 512));
    expect(ws.filter((w) => w.state === "ok").length).toBe(2);
    const d = b.backend.drain({ held, deadline: 5000 });
    for (let i = 0; i < 8 && b.driver.waiting.length > 0; i += 1) b.driver.answer("ok");
    expect(ws.map((w) => w.state)).toEqual(ws.map(() => "ok"));
    b.clock.advance(1);
    expect(b.backend.drainState).toBe("drained");
    await d;
  });

test("a drain ends with the flush of the log", async () => {
  const b = await Bench.open({ replayLog: { maxCount: 2 } }, restarts);
  b.driver.decide = (r) => (r.operation === "flush" ? "wait" : "ok");
  b.write(0);
  const d = b.backend.drain({ deadline: 5000 });
  b.driver.answer("ok");
  expect(b.backend.drainState).toBe("drained");
  b.clock.advance(6000);
  await d;
});

test("a drain ends with the replay", async () => {
  const b = await Bench.open({}, restarts);
  b.write(0);
  b.driver.decide = () => "wait";
  b.driver.disconnect();
  b.driver.connect();
  const d = b.backend.drain({ deadline: 5000 });
  b.driver.answer("ok");
  expect(b.backend.drainState).toBe("drained");
  b.clock.advance(6000);
  await d;
});

test("a drained section sends no replay", async () => {
  const b = await Bench.open({ requestTimeout: 100 }, restarts);
  b.driver.detaches = true;
  b.write(0);
  b.driver.decide = () => "wait";
  const w = b.write(0);
  b.clock.advance(200);
  b.driver.disconnect();
  b.driver.connect();
  expect(w.state).toBe("pending");
  const d = b.backend.drain({ held: "fail", deadline: 1000 });
  b.clock.advance(2000);
  await d;
  const before = b.driver.seen.length;
  while (b.driver.waiting.length > 0) b.driver.answer("ECANCELED");
  expect(b.driver.seen.slice(before)).toEqual([]);
  b.driver.decide = () => "ok";
  b.backend.drainEnd();
  b.clock.advance(10000);
  expect(b.read(0).state).toBe("ok");
});

test("a pause stops the replay", async () => {
  const b = await Bench.open({}, restarts);
  for (let i = 0; i < 100; i += 1) b.write(i * 512);
  b.driver.decide = () => "wait";
  b.driver.disconnect();
  b.driver.connect();
  b.backend.pause();
  const before = b.driver.seen.length;
  while (b.driver.waiting.length > 0) b.driver.answer("ok");
  expect(b.driver.seen.length).toBe(before);
  b.driver.decide = () => "ok";
  b.backend.resume();
  expect(b.read(0).state).toBe("ok");
});

test("a drained section is not quiescent while an attempt that was given up may still land", async () => {
  const b = await Bench.open({ requestTimeout: 100, iohangTimeout: 0 });
  b.driver.detaches = true;
  b.driver.decide = () => "wait";
  const w = b.write(0);
  b.clock.advance(200);
  const result = await b.backend.drain({ held: "fail" });
  expect([w.state, result.quiescent, result.inFlight]).toEqual(["ETIMEDOUT", false, 0]);
});
