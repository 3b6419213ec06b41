import { createRequest } from "@rehandle/driver-sdk";
import { expect, test } from "vitest";

import { Bench } from "../testing/scripted-driver.ts";

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
