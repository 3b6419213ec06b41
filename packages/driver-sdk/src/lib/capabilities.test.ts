import { describe, expect, it } from "vitest";
import { defineCapabilities } from "./capabilities.ts";

describe("capabilities", () => {
  it("declare nothing that was not named", () => {
    const { size, requestAlignment, preferredBlockSize, maxTransfer, instance, ...flags } = defineCapabilities({
      size: 0,
    });
    expect({ size, requestAlignment, preferredBlockSize, maxTransfer, instance }).toEqual({
      size: 0,
      requestAlignment: 1,
      preferredBlockSize: 4096,
      maxTransfer: 32 * 1024 * 1024,
      instance: "fixed",
    });
    expect(new Set(Object.values(flags))).toEqual(new Set([false]));
    expect(Object.keys(flags)).toHaveLength(13);
  });

  it("are frozen", () => {
    expect(Object.isFrozen(defineCapabilities({ size: 1 }))).toBe(true);
  });

  it.each([
    { size: -1 },
    { size: NaN },
    { size: 2 ** 53 },
    { size: 1.5 },
    { size: 1, requestAlignment: 0 },
    { size: 1, requestAlignment: 3 },
    { size: 1, requestAlignment: 131072, preferredBlockSize: 131072 },
    { size: 1, requestAlignment: 0.5 },
    { size: 1, requestAlignment: 4096, preferredBlockSize: 512 },
    { size: 1, preferredBlockSize: 5000 },
    { size: 1, preferredBlockSize: NaN },
    { size: 1, maxTransfer: 0 },
    { size: 1, requestAlignment: 4096, maxTransfer: 512 },
    { size: 1, maxTransfer: Infinity },
  ])("refuse numbers out of range: %o", (declared) => {
    expect(() => defineCapabilities(declared)).toThrow(RangeError);
  });

  it("take the ends of the ranges", () => {
    const largest = { size: Number.MAX_SAFE_INTEGER, requestAlignment: 65536, preferredBlockSize: 0x80000000 };
    expect(defineCapabilities(largest)).toMatchObject(largest);
    expect(defineCapabilities({ size: 0, maxTransfer: 1 }).maxTransfer).toBe(1);
  });
});
