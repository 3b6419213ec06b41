import { defineCapabilities } from "@rehandle/driver-sdk";
import { expect, test } from "vitest";

import { TestDisk } from "./testing/test-disk.ts";
import { buildConfig, limitsOf } from "./config-space.ts";
import { VirtioBlkFeature } from "./virtio-features.ts";

const OFFERED = 0x130006e54n;

function configOf(size: number, more: { preferredBlockSize?: number; requestAlignment?: number } = {}): DataView {
  const capabilities = defineCapabilities({ size, discard: true, writeZeroes: true, ...more });
  const limits = limitsOf(capabilities, {
    logicalBlockSize: Math.max(512, capabilities.requestAlignment),
    segMax: 126,
    numQueues: 3,
  });
  const bytes = buildConfig(OFFERED, limits, capabilities.preferredBlockSize, true);
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

test("has every field where the specification has it", () => {
  const view = configOf(2 ** 42 + 1024, { preferredBlockSize: 65536 });
  expect(view.byteLength).toBe(57);
  expect(view.getBigUint64(0, true)).toBe(2n ** 33n + 2n);
  expect([view.getUint32(8, true), view.getUint32(12, true)]).toEqual([0, 126]);
  expect([view.getUint16(16, true), view.getUint8(18), view.getUint8(19)]).toEqual([16383, 16, 63]);
  expect(view.getUint32(20, true)).toBe(512);
  // Physical blocks of 4096: eight logical ones. The preferred size is min_io_size.
  expect([view.getUint8(24), view.getUint8(25), view.getUint16(26, true), view.getUint32(28, true)]).toEqual([
    3, 0, 128, 0,
  ]);
  expect([view.getUint8(32), view.getUint16(34, true)]).toEqual([1, 3]);
  expect([view.getUint32(36, true), view.getUint32(40, true), view.getUint32(44, true)]).toEqual([2 ** 21, 64, 8]);
  expect([view.getUint32(48, true), view.getUint32(52, true), view.getUint8(56)]).toEqual([2 ** 21, 64, 1]);
});

test("counts whole logical blocks only, in sectors of 512 bytes", () => {
  const view = configOf(4096 * 10 + 2048, { requestAlignment: 4096 });
  expect([view.getBigUint64(0, true), view.getUint32(20, true), view.getUint8(24)]).toEqual([80n, 4096, 0]);
});

test("ends behind the last field of a feature that is offered; there reads are all ones", () => {
  const device = new TestDisk().device;
  expect([...device.readConfig(56, 4)]).toEqual([1, 0xff, 0xff, 0xff]);
  expect([...device.readConfig(100, 2)]).toEqual([0xff, 0xff]);
  const plain = new TestDisk({ declared: { discard: false, writeZeroes: false } }).device;
  expect([...plain.readConfig(34, 4)]).toEqual([1, 0, 0xff, 0xff]);
  const discard = new TestDisk({ declared: { writeZeroes: false } }).device;
  expect([...discard.readConfig(44, 6)]).toEqual([8, 0, 0, 0, 0xff, 0xff]);
  expect(() => device.readConfig(-1, 4)).toThrow("no range");
  expect(() => device.readConfig(0, 2 ** 20)).toThrow("no range");
});

test("a write reaches writeback and nothing else", () => {
  const { device } = new TestDisk();
  const before = device.readConfig(0, 57);
  device.writeConfig(0, new Uint8Array(32).fill(0xaa));
  device.writeConfig(33, new Uint8Array(24).fill(0xaa));
  expect(device.readConfig(0, 57)).toEqual(before);
  device.writeConfig(30, Uint8Array.of(9, 9, 0, 9));
  expect([...device.readConfig(30, 4)]).toEqual([0, 0, 0, 0]);
  device.writeConfig(32, Uint8Array.of(1));
  expect(device.readConfig(0, 57)).toEqual(before);
});

test("writeback cannot be written without CONFIG_WCE", () => {
  const disk = new TestDisk({ stopped: true });
  disk.start(disk.guest.featuresFor(disk.device) & ~VirtioBlkFeature.CONFIG_WCE);
  disk.device.writeConfig(32, Uint8Array.of(0));
  expect(disk.device.readConfig(32, 1)[0]).toBe(1);
});

test("a resize is told with the next generation, and only if the capacity changed", () => {
  const disk = new TestDisk({ size: 1024 * 1024 });
  disk.driver.capabilities = { ...disk.driver.capabilities, size: 1024 * 1024 + 100 };
  disk.device.onResized();
  expect([disk.device.configGeneration, disk.configChanges]).toEqual([0, 0]);
  expect(disk.read(2048).status).toBe(1);
  disk.driver.capabilities = { ...disk.driver.capabilities, size: 1024 * 1024 + 512 };
  disk.device.onResized();
  expect([disk.device.configGeneration, disk.configChanges]).toEqual([1, 1]);
  expect(new DataView(disk.device.readConfig(0, 8).buffer).getUint32(0, true)).toBe(2049);
  expect(disk.read(2048).status).toBe(0);
});
