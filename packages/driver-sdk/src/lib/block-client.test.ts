import { describe, expect, it } from "vitest";
import { ArrayDriver } from "../testing/array-driver.ts";
import { createBlockClient } from "./block-client.ts";
import { BlockError } from "./block-error.ts";
import { RequestFlag, type BlockExtent, type BlockRequest } from "./block-request.ts";
import type { DriverCapabilities } from "./capabilities.ts";
import { createRandom } from "./random.ts";
import { createVirtualClock } from "./virtual-clock.ts";

/** An open array driver that notes what it is asked. */
async function openDriver(declared: Partial<DriverCapabilities> = {}): Promise<{
  driver: ArrayDriver;
  asked: string[];
}> {
  const driver = new ArrayDriver(new Uint8Array(10_000));
  driver.declared = { ...driver.declared, ...declared };
  const asked: string[] = [];
  const submit = driver.submit.bind(driver);
  driver.submit = (request) => {
    asked.push(`${request.operation} ${request.offset}+${request.length} ${request.flags}`);
    submit(request);
  };
  await driver.open({ clock: createVirtualClock(), random: createRandom(1), onEvent: () => {}, held: false });
  return { driver, asked };
}

describe("block client", () => {
  it("reads and writes", async () => {
    const { driver, asked } = await openDriver();
    const client = createBlockClient(driver);
    expect(client.driver).toBe(driver);
    await client.write(3, Uint8Array.of(1, 2, 3));
    expect([...(await client.read(2, 5))]).toEqual([0, 1, 2, 3, 0]);
    const buffer = new Uint8Array(2);
    await client.readInto(4, buffer);
    expect([...buffer]).toEqual([2, 3]);
    await client.flush();
    expect(asked).toEqual(["write 3+3 0", "read 2+5 0", "read 4+2 0", "flush 0+0 0"]);
  });

  it("cuts transfers at maxTransfer, aligned, and stops at the first that fails", async () => {
    const { driver, asked } = await openDriver({ maxTransfer: 1100, requestAlignment: 512 });
    const client = createBlockClient(driver);
    const data = Uint8Array.from({ length: 2560 }, (_, at) => at % 251);
    await client.write(512, data, { fua: true });
    expect(await client.read(512, 2560)).toEqual(data);
    const cut = ["512+1024", "1536+1024", "2560+512"];
    expect(asked).toEqual([...cut.map((range) => `write ${range} 1`), ...cut.map((range) => `read ${range} 0`)]);
    asked.length = 0;
    await expect(client.write(8704, data)).rejects.toMatchObject({ code: "EINVAL", offset: 9728 });
    expect(asked).toEqual(["write 8704+1024 0", "write 9728+1024 0"]);
  });

  it("passes flags on", async () => {
    const { driver, asked } = await openDriver();
    const client = createBlockClient(driver);
    await client.discard(0, 10, { fua: true });
    await client.writeZeroes(0, 10, { fua: true, mayUnmap: true, noFallback: true });
    await client.writeZeroes(0, 10);
    const { FUA, MAY_UNMAP, NO_FALLBACK } = RequestFlag;
    const all = FUA | MAY_UNMAP | NO_FALLBACK;
    expect(asked).toEqual([`discard 0+10 ${FUA}`, `write-zeroes 0+10 ${all}`, "write-zeroes 0+10 0"]);
  });

  it("rejects with the driver's error", async () => {
    const { driver } = await openDriver({ readOnly: true });
    const client = createBlockClient(driver);
    await expect(client.write(0, new Uint8Array(1))).rejects.toMatchObject({ code: "EROFS" });
    await expect(client.write(0, new Uint8Array(0))).rejects.toMatchObject({ code: "EROFS" });
    for (const length of [NaN, -1, 0.5, 10_001, 2 ** 53]) {
      await expect(client.read(0, length)).rejects.toMatchObject({ code: "EINVAL", operation: "read" });
    }
    await expect(client.read(9_999, 2)).rejects.toMatchObject({ code: "EINVAL" });
    await expect(client.read(10_001, 0)).rejects.toMatchObject({ code: "EINVAL" });
    expect(await client.read(10_000, 0)).toHaveLength(0);
  });

  it("asks for block status until the range is covered, and cuts what reaches further", async () => {
    const { driver, asked } = await openDriver();
    const extent = (length: number, zero: boolean): BlockExtent => ({ length, zero, hole: false });
    const answers = [[extent(100, true), extent(50, false)], [extent(1000, true)]];
    driver.status = (request: BlockRequest) => void request.extents.push(...(answers.shift() ?? []));
    const extents = await createBlockClient(driver).blockStatus(0, 400);
    expect(extents).toEqual([extent(100, true), extent(50, false), extent(250, true)]);
    expect(asked).toEqual(["block-status 0+400 0", "block-status 150+250 0"]);
    await expect(createBlockClient(driver).blockStatus(0, 10)).rejects.toMatchObject({ code: "EIO" });
  });

  it("asks for one extent only, when told", async () => {
    const { driver, asked } = await openDriver();
    driver.bytes[1000] = 1;
    expect(await createBlockClient(driver).blockStatus(0, 5000, { reqOne: true })).toHaveLength(1);
    expect(asked).toEqual([`block-status 0+5000 ${RequestFlag.REQ_ONE}`]);
    await expect(createBlockClient(driver).blockStatus(0, 0)).rejects.toBeInstanceOf(BlockError);
  });
});
