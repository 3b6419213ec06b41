import { describeDriverConformance } from "../conformance/index.ts";
import type { BlockDriver } from "./block-driver.ts";
import { createSystemClock } from "./clock.ts";
import { defineDriver } from "./define-driver.ts";
import type { DriverDefinition } from "./driver-definition.ts";

const SIZE = 1024 * 1024;

/** A definition with every function, each of which takes a turn of the event loop. */
function arrayDefinition(storage: { bytes: Uint8Array }, clock = createSystemClock()): DriverDefinition {
  const turn = (): Promise<void> => new Promise((resolve) => clock.setTimer(0, resolve));
  return {
    name: "array",
    open: () => ({ size: storage.bytes.length, fua: true, fastZero: true }),
    async read(offset, buffer) {
      await turn();
      buffer.set(storage.bytes.subarray(offset, offset + buffer.length));
    },
    async write(offset, data) {
      await turn();
      storage.bytes.set(data, offset);
    },
    flush: turn,
    discard: async (offset, length) => void storage.bytes.fill(0xdd, offset, offset + length),
    writeZeroes: (offset, length) => void storage.bytes.fill(0, offset, offset + length),
    // Reaches far beyond the request; the wrapper cuts it.
    blockStatus: () => [{ length: 2 ** 50, hole: false, zero: false }],
    resize(size) {
      const bytes = new Uint8Array(size);
      bytes.set(storage.bytes.subarray(0, size));
      storage.bytes = bytes;
    },
  };
}

describeDriverConformance("defineDriver, everything", {
  create() {
    const storage = { bytes: new Uint8Array(SIZE) };
    const driver = (): BlockDriver => defineDriver(arrayDefinition(storage));
    return { driver: driver(), reopen: driver };
  },
  operations: 150,
  span: 128 * 1024,
});

describeDriverConformance("defineDriver, read and write alone", {
  create() {
    const bytes = new Uint8Array(SIZE);
    const driver = defineDriver({
      name: "least",
      open: () => ({ size: bytes.length, requestAlignment: 512, maxTransfer: 65536 }),
      read: (offset, buffer) => buffer.set(bytes.subarray(offset, offset + buffer.length)),
      write: (offset, data) => bytes.set(data, offset),
    });
    return { driver };
  },
});

describeDriverConformance("defineDriver, read alone", {
  create: () => ({
    driver: defineDriver({
      name: "read-only",
      open: async () => ({ size: SIZE }),
      read: (offset, buffer) => buffer.forEach((_, index) => (buffer[index] = (offset + index) % 251)),
    }),
  }),
  expected: (offset, length) => Uint8Array.from({ length }, (_, index) => (offset + index) % 251),
});
