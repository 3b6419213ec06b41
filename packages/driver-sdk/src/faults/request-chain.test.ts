import { describe, expect, it } from "vitest";
import type { BlockError } from "../lib/block-error.ts";
import { createRandom } from "../lib/random.ts";
import { createVirtualClock, type VirtualClock } from "../lib/virtual-clock.ts";
import { ArrayDriver } from "../testing/array-driver.ts";
import { runChain, type ChainStep } from "./request-chain.ts";

async function openDriver(slow = false): Promise<{ driver: ArrayDriver; clock: VirtualClock; asked: string[] }> {
  const driver = new ArrayDriver(new Uint8Array(4096), slow);
  driver.declared = { ...driver.declared, maxTransfer: 1000 };
  const asked: string[] = [];
  driver.check = (request) => {
    asked.push(`${request.operation} ${request.offset}+${request.length}`);
    return ArrayDriver.prototype.check.call(driver, request);
  };
  const clock = createVirtualClock();
  await driver.open({ clock, random: createRandom(1), onEvent: () => {}, held: false });
  return { driver, clock, asked };
}

function write(offset: number, length: number): ChainStep {
  return { operation: "write", offset, length, iov: [new Uint8Array(length).fill(1)] };
}

describe("request chain", () => {
  it.each([false, true])("sends one after the other, cut at maxTransfer (slow: %s)", async (slow) => {
    const { driver, clock, asked } = await openDriver(slow);
    const ends: (BlockError | null)[] = [];
    const zeroes: ChainStep = { operation: "write-zeroes", offset: 10, length: 3000, iov: [] };
    runChain(driver, [write(0, 2500), zeroes, write(5, 1)], (error) => ends.push(error));
    expect(ends).toHaveLength(slow ? 0 : 1);
    clock.advance(10);
    expect(ends).toEqual([null]);
    expect(asked).toEqual(["write 0+1000", "write 1000+1000", "write 2000+500", "write-zeroes 10+3000", "write 5+1"]);
    expect([driver.bytes[4], driver.bytes[5], driver.bytes[6]]).toEqual([1, 1, 1]);
    expect([driver.bytes[9], driver.bytes[10]]).toEqual([1, 0]);
  });

  it("ends with the first error", async () => {
    const { driver, asked } = await openDriver();
    const ends: (BlockError | null)[] = [];
    runChain(driver, [write(0, 1), write(5000, 1), write(1, 1)], (error) => ends.push(error));
    expect(ends).toMatchObject([{ code: "EINVAL", offset: 5000 }]);
    expect(asked).toHaveLength(2);
  });

  it("takes no stack, and ends at once with nothing to do", async () => {
    const { driver } = await openDriver();
    let ended = 0;
    runChain(
      driver,
      Array.from({ length: 50_000 }, () => write(0, 1)),
      () => (ended += 1),
    );
    runChain(driver, [], () => (ended += 1));
    expect(ended).toBe(2);
  });
});
