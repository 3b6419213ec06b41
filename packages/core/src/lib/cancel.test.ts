import { createRequest } from "@rehandle/driver-sdk";
import { expect, test } from "vitest";

import { Bench } from "../testing/scripted-driver.ts";

/** A backend whose storage just went away, as one write found out that is held. */
async function openAway(): Promise<{ bench: Bench; tried: ReturnType<Bench["write"]> }> {
  const bench = await Bench.open({ maxHeldRequests: 10 });
  bench.driver.decide = () => "ECONNRESET";
  const tried = bench.write(0);
  return { bench, tried };
}

test("what is held and was never sent is cancelled at once, and counts no longer", async () => {
  const { bench, tried } = await openAway();
  const gone = [bench.read(4096), bench.write(8192), bench.flush()];
  expect(bench.backend.statistics()).toMatchObject({ heldNow: 4 });
  for (const { request } of gone) bench.backend.cancel?.(request);
  expect(gone.map(({ state }) => state)).toEqual(["ECANCELED", "ECANCELED", "ECANCELED"]);
  expect(bench.backend.statistics()).toMatchObject({ heldNow: 1, heldBytesNow: 512, failed: 0 });
  // A second time, and of a request that is not there.
  for (const { request } of gone) bench.backend.cancel?.(request);
  bench.backend.cancel?.(createRequest());
  bench.driver.decide = () => "ok";
  bench.clock.advance(10_000);
  expect(tried.state).toBe("ok");
  expect(bench.driver.seen.filter((each) => each.startsWith("write"))).not.toContain("write 8192+512");
});

test("a read that was tried is cancelled, a write that may have landed in part is not", async () => {
  const bench = await Bench.open();
  bench.driver.decide = () => "EIO";
  const [read, write] = [bench.read(4096), bench.write(0)];
  expect(bench.backend.heldRequests().map(({ attempts }) => attempts)).toEqual([1, 1]);
  for (const { request } of [read, write]) bench.backend.cancel?.(request);
  expect([read.state, write.state]).toEqual(["ECANCELED", "pending"]);
  bench.driver.decide = () => "ok";
  bench.clock.advance(10_000);
  expect(write.state).toBe("ok");
});

test("what the driver has goes on, and the driver is not told that its way is dead", async () => {
  const bench = await Bench.open({}, { abandon: true });
  bench.driver.decide = () => "wait";
  const read = bench.read(0);
  bench.backend.cancel?.(read.request);
  expect([read.state, bench.driver.abandoned]).toEqual(["pending", []]);
  bench.driver.answer();
  expect(read.state).toBe("ok");
});

test("the order of what is left stays as it was", async () => {
  const { bench, tried } = await openAway();
  const between = bench.write(0, 1024, 2);
  const last = bench.write(512, 1024, 3);
  const behind = bench.read(1024);
  bench.backend.cancel?.(between.request);
  expect([between.state, last.state]).toEqual(["ECANCELED", "pending"]);
  bench.driver.decide = ({ operation }) => (operation === "write" ? "wait" : "ok");
  bench.clock.advance(10_000);
  const writes = (): string[] => bench.driver.seen.filter((each) => each.startsWith("write")).slice(1);
  // What overlapped the cancelled one still waits for what that waited for.
  expect(writes()).toEqual(["write 0+512"]);
  bench.driver.decide = () => "ok";
  while (bench.driver.waiting.length > 0) bench.driver.answer();
  bench.clock.advance(10_000);
  expect(writes()).toEqual(["write 0+512", "write 512+1024"]);
  expect([tried, last, behind].map(({ state }) => state)).toEqual(["ok", "ok", "ok"]);
});

test("cancelling ends congestion", async () => {
  const { bench } = await openAway();
  const reads = Array.from({ length: 20 }, (_, n) => bench.read(4096 + n * 512));
  expect(bench.backend.congested).toBe(true);
  for (const { request } of reads) bench.backend.cancel?.(request);
  expect(bench.backend.congested).toBe(false);
});
