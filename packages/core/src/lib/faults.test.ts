import { createMemoryDriver, createMemoryStorage } from "@rehandle/driver-memory";
import { createBlockClient, createRandom, createVirtualClock, type Clock } from "@rehandle/driver-sdk";
import { createFaultDriver, createFaultPlan } from "@rehandle/driver-sdk/faults";
import { describe, expect, it } from "vitest";

import { createBlockBackend } from "./block-backend.ts";

const BLOCK = 4096;
const BLOCKS = 64;

/** Lets a virtual clock run while promises that depend on it settle. */
async function finish<T>(clock: ReturnType<typeof createVirtualClock>, work: Promise<T>): Promise<T> {
  let done = false;
  const mark = (): void => {
    done = true;
  };
  work.then(mark, mark);
  for (let idle = 0; !done && idle < 1000;) {
    for (let hop = 0; hop < 20; hop += 1) await Promise.resolve();
    idle = clock.step() ? 0 : idle + 1;
  }
  return work;
}

/** Writes, reads back and flushes, block by block, as a client that trusts its disk. */
async function work(client: ReturnType<typeof createBlockClient>, clock: Clock, seed: number): Promise<Uint8Array> {
  const random = createRandom(seed);
  const model = new Uint8Array(BLOCK * BLOCKS);
  const end = clock.now() + 60_000;
  while (clock.now() < end) {
    const at = Math.floor(random() * BLOCKS) * BLOCK;
    const dice = random();
    if (dice < 0.5) {
      const data = new Uint8Array(BLOCK).fill(1 + Math.floor(random() * 255));
      model.set(data, at);
      await client.write(at, data, { fua: dice < 0.05 });
    } else if (dice < 0.9) {
      expect((await client.read(at, BLOCK)).every((byte, n) => byte === model[at + n])).toBe(true);
    } else {
      await client.flush();
    }
    await new Promise<void>((resolve) => {
      clock.setTimer(random() * 50, resolve);
    });
  }
  return model;
}

describe("the engine over the fault driver", () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])("loses nothing to a minute of trouble (seed %i)", async (seed) => {
    const clock = createVirtualClock();
    const storage = createMemoryStorage({ size: BLOCK * BLOCKS });
    const plan = createFaultPlan(createRandom(seed), { duration: 60_000 });
    const faults = createFaultDriver(createMemoryDriver({ storage }), {
      ...plan,
      volatileCache: true,
      latency: [1, 10],
    });
    const backend = createBlockBackend(faults, { requestTimeout: 2_000 });
    await finish(clock, backend.open({ clock, random: createRandom(seed), onEvent: () => {}, held: false }));
    const client = createBlockClient(backend);
    const model = await finish(clock, work(client, clock, seed));
    await finish(clock, client.flush());
    const disk = await finish(clock, client.read(0, BLOCK * BLOCKS));
    expect(disk.every((byte, at) => byte === model[at])).toBe(true);
    expect(backend.hangState).toBe("normal");
    await finish(clock, backend.close());
  });
});
