import { describe, expect, it, test } from "vitest";

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

describe("requests behind a late attempt", () => {
  const silent = { requestTimeout: 500, iohangTimeout: 2 };

  it("fail with the outage, and at once after it, though the attempt may land for ever", async () => {
    const bench = await Bench.open(silent, { abandon: true, reportsConnection: true });
    bench.driver.detaches = true;
    bench.driver.decide = () => "wait";
    const late = bench.write(0, 1024);
    bench.clock.advance(700);
    // One that overlaps it, and one that overlaps only that one.
    const [behind, further] = [bench.write(512, 1024), bench.read(1024)];
    const shown = bench.backend.heldRequests().map(({ offset, blockers }) => [offset, blockers]);
    expect(shown).toEqual([
      [0, 0],
      [512, 2],
      [1024, 1],
    ]);
    bench.clock.advance(1_999);
    expect([late.state, behind.state, further.state]).toEqual(["EIO", "EIO", "EIO"]);
    expect([bench.write(0, 1024).state, bench.read(1024).state]).toEqual(["EIO", "EIO"]);
    expect(bench.backend.statistics().queuedNow).toBe(0);
    // The late attempt still guards its range when the storage is back.
    const [zombie] = bench.driver.waiting.splice(0);
    bench.driver.decide = () => "ok";
    bench.backend.retryNow();
    const [fenced, beside] = [bench.write(0), bench.write(4096)];
    expect([fenced.state, beside.state]).toEqual(["pending", "ok"]);
    zombie!.complete(zombie!, null);
    bench.clock.advance(1);
    expect(fenced.state).toBe("ok");
  });

  it("keep their own retry timeout, too", async () => {
    const bench = await Bench.open(
      { requestTimeout: 500, iohangTimeout: 0, write: { retryTimeout: 1_000 } },
      { abandon: true },
    );
    bench.driver.detaches = true;
    bench.driver.decide = () => "wait";
    bench.write(0);
    bench.clock.advance(700);
    const behind = bench.write(0);
    bench.clock.advance(1_100);
    expect(behind.state).toBe("EIO");
  });

  it("are not held while they wait for requests that are well", async () => {
    const bench = await Bench.open();
    bench.driver.decide = () => "wait";
    bench.write(0);
    bench.write(0);
    expect([bench.backend.hangState, bench.backend.statistics().heldNow]).toEqual(["normal", 0]);
  });
});
