import { expect, test } from "vitest";

import { offeredFeatures, refusalOf } from "./offered-features.ts";
import { VirtioBlkFeature, VirtioFeature } from "./virtio-features.ts";

const ALL = { discard: true, writeZeroes: true };
const CHOICES = { writable: true, numQueues: 1, packed: false };

test("offers what QEMU offers, with the storage's discard and write-zeroes", () => {
  // QEMU 7.2's virtio-blk with one queue, less RING_RESET.
  expect(offeredFeatures(ALL, CHOICES)).toBe(0x130006e54n);
  expect(offeredFeatures({ ...ALL, discard: false }, CHOICES)).toBe(0x130004e54n);
  expect(offeredFeatures({ ...ALL, writeZeroes: false }, CHOICES)).toBe(0x130002e54n);
});

test("a read-only device offers nothing that changes data", () => {
  const features = offeredFeatures(ALL, { ...CHOICES, writable: false });
  expect(features & VirtioBlkFeature.RO).not.toBe(0n);
  const changing = VirtioBlkFeature.DISCARD | VirtioBlkFeature.WRITE_ZEROES | VirtioBlkFeature.CONFIG_WCE;
  expect(features & changing).toBe(0n);
});

test("offers MQ for more than one queue, and packed rings if they are wanted", () => {
  const features = offeredFeatures(ALL, { ...CHOICES, numQueues: 2, packed: true });
  expect(features).toBe(0x130006e54n | VirtioBlkFeature.MQ | VirtioFeature.RING_PACKED);
});

test("never offers SECURE_ERASE, LIFETIME or ZONED", () => {
  const never = VirtioBlkFeature.SECURE_ERASE | VirtioBlkFeature.LIFETIME | VirtioBlkFeature.ZONED;
  expect(offeredFeatures(ALL, { writable: true, numQueues: 16, packed: true }) & never).toBe(0n);
});

test("refuses what was not offered, and what needs VERSION_1 without it", () => {
  const offered = offeredFeatures(ALL, { ...CHOICES, packed: true });
  expect(refusalOf(offered, offered)).toBeNull();
  expect(refusalOf(offered, 0n)).toBeNull();
  expect(refusalOf(offered, VirtioBlkFeature.BLK_SIZE | VirtioBlkFeature.FLUSH)).toBeNull();
  expect(refusalOf(offered, offered | VirtioBlkFeature.SECURE_ERASE)).toBe(
    "features 0x10000 were accepted and not offered",
  );
  expect(refusalOf(offered, VirtioFeature.RING_PACKED)).toBe("features 0x400000000 need VIRTIO_F_VERSION_1");
});
