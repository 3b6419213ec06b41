import { describe, expect, test } from "vitest";

import { VirtioBlkRequestType as Type } from "./request-type.ts";
import { records, TestDisk, type TestDiskOptions } from "./testing/test-disk.ts";
import { VirtioBlkFeature } from "./virtio-features.ts";

const { CONFIG_WCE, FLUSH } = VirtioBlkFeature;

/** What the driver is asked for one write, with these features left out. */
function logOfWrite(without: bigint, options: TestDiskOptions = {}, writeback?: number): string[] {
  const disk = new TestDisk({ ...options, stopped: true });
  disk.start(disk.guest.featuresFor(disk.device) & ~without);
  if (writeback !== undefined) disk.device.writeConfig(32, Uint8Array.of(writeback));
  expect(disk.write(0, 1).status).toBe(0);
  return disk.driver.log;
}

const PLAIN = ["write 0+512"];
const FUA = ["write 0+512 flags 1"];
const FLUSHED = ["write 0+512", "flush 0+0"];

describe("a write is stable when it completes", () => {
  test("if neither FLUSH nor CONFIG_WCE was negotiated", () => {
    expect(logOfWrite(FLUSH | CONFIG_WCE)).toEqual(FUA);
  });

  test("if CONFIG_WCE was negotiated and writeback is 0", () => {
    expect(logOfWrite(0n, {}, 0)).toEqual(FUA);
    expect(logOfWrite(0n, { device: { writeback: false } })).toEqual(FUA);
    expect(logOfWrite(FLUSH)).toEqual(FUA);
  });

  test("with a flush behind it where there is no FUA, and as it is where nothing is volatile", () => {
    expect(logOfWrite(0n, { declared: { fua: false } }, 0)).toEqual(FLUSHED);
    expect(logOfWrite(0n, { declared: { fua: false, flush: false } }, 0)).toEqual(PLAIN);
  });

  test("in every piece, or with one flush behind the last", () => {
    const long = (fua: boolean): string[] => {
      const disk = new TestDisk({ declared: { maxTransfer: 512, fua }, device: { writeback: false } });
      disk.write(0, 1, 1024);
      return disk.driver.log;
    };
    expect(long(true)).toEqual(["write 0+512 flags 1", "write 512+512 flags 1"]);
    expect(long(false)).toEqual(["write 0+512", "write 512+512", "flush 0+0"]);
  });

  test("and so are zeroes; a discard need not be", () => {
    const disk = new TestDisk({ device: { writeback: false }, declared: { fua: false } });
    disk.do({ type: Type.WRITE_ZEROES, out: records([0, 1], [2, 1]) });
    disk.do({ type: Type.DISCARD, out: records([0, 1]) });
    expect(disk.driver.log).toEqual(["write-zeroes 0+512", "write-zeroes 1024+512", "flush 0+0", "discard 0+512"]);
  });
});

test("a write may be lost until a flush if writeback is on, or the guest knows FLUSH only", () => {
  expect(logOfWrite(0n)).toEqual(PLAIN);
  expect(logOfWrite(0n, { device: { writeback: false } }, 1)).toEqual(PLAIN);
  expect(logOfWrite(CONFIG_WCE)).toEqual(PLAIN);
});

test("if the flush behind a write fails the write failed", () => {
  const disk = new TestDisk({ device: { writeback: false }, declared: { fua: false } });
  disk.driver.hold = true;
  const write = disk.write(0, 1);
  disk.driver.complete();
  expect(write.done).toBe(false);
  disk.driver.complete(0, "EIO");
  disk.run();
  disk.guest.collect();
  expect(write.status).toBe(1);
});

test("a reset brings writeback back to what it was; negotiating the same again does not", () => {
  const disk = new TestDisk();
  disk.device.writeConfig(32, Uint8Array.of(0));
  expect(disk.device.negotiate(disk.device.features)).toBe(true);
  expect(disk.device.readConfig(32, 1)[0]).toBe(0);
  disk.device.reset();
  expect(disk.device.readConfig(32, 1)[0]).toBe(1);
});
