import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRequest, RequestFlag, type BlockOperation, type BlockRequest } from "./block-request.ts";
import { defineCapabilities, type DriverCapabilities } from "./capabilities.ts";
import { checkRequest, iovLength } from "./check-request.ts";

const ALL: Partial<DriverCapabilities> = {
  flush: true,
  fua: true,
  discard: true,
  writeZeroes: true,
  fastZero: true,
  blockStatus: true,
};
const RANGED = ["read", "write", "discard", "write-zeroes", "block-status"] as const;

function codeOf(declared: Partial<DriverCapabilities>, fields: Partial<BlockRequest>): string | null {
  return checkRequest(defineCapabilities({ size: 65536, ...declared }), createRequest(fields))?.code ?? null;
}

/** A request with buffers that fit. */
function fitting(operation: BlockOperation, offset: number, length: number, flags = 0): Partial<BlockRequest> {
  const carries = operation === "read" || operation === "write";
  return { operation, offset, length, flags, iov: carries ? [new Uint8Array(length)] : [] };
}

describe("checkRequest", () => {
  it("lets every good request pass", () => {
    for (const operation of RANGED) {
      expect(codeOf(ALL, fitting(operation, 0, 512))).toBeNull();
      expect(codeOf(ALL, fitting(operation, 65536 - 7, 7))).toBeNull();
    }
    expect(codeOf({}, { operation: "flush" })).toBeNull();
    for (const operation of ["read", "write", "discard", "write-zeroes"] as const) {
      expect(codeOf(ALL, fitting(operation, 65536, 0))).toBeNull();
    }
  });

  it.each(RANGED)("refuses a %s that is out of range", (operation) => {
    for (const [offset, length] of [
      [65536, 1],
      [65535, 2],
      [65537, 0],
      [0, 65537],
      [-1, 1],
      [1, -1],
      [NaN, 1],
      [0, NaN],
      [0.5, 0.5],
      [0.5, 1],
      [0, 0.5],
      [Infinity, 1],
      [0, Infinity],
      [-Infinity, Infinity],
      [2 ** 53, 2 ** 53],
      [Number.MAX_SAFE_INTEGER, 1],
    ] as const) {
      expect(codeOf(ALL, { operation, offset, length }), `${offset} ${length}`).toBe("EINVAL");
    }
  });

  it("refuses what is not aligned", () => {
    const declared = { ...ALL, requestAlignment: 512 };
    for (const operation of RANGED) {
      expect(codeOf(declared, fitting(operation, 512, 512))).toBeNull();
      expect(codeOf(declared, fitting(operation, 1, 512))).toBe("EINVAL");
      expect(codeOf(declared, fitting(operation, 512, 511))).toBe("EINVAL");
    }
  });

  it("checks alignment beyond 32 bits", () => {
    const declared = { ...ALL, requestAlignment: 4096, size: 2 ** 52 };
    expect(codeOf(declared, fitting("read", 2 ** 51 + 4096, 4096))).toBeNull();
    expect(codeOf(declared, fitting("read", 2 ** 51 + 512, 4096))).toBe("EINVAL");
  });

  it("keeps read-only storage from changes", () => {
    const declared = { ...ALL, readOnly: true };
    for (const operation of ["write", "discard", "write-zeroes"] as const) {
      expect(codeOf(declared, fitting(operation, 0, 512))).toBe("EROFS");
    }
    expect(codeOf(declared, fitting("read", 0, 512))).toBeNull();
    expect(codeOf(declared, fitting("block-status", 0, 512))).toBeNull();
  });

  it("bounds transfers, and nothing else, by maxTransfer", () => {
    const declared = { ...ALL, maxTransfer: 1024 };
    expect(codeOf(declared, fitting("read", 0, 1024))).toBeNull();
    expect(codeOf(declared, fitting("read", 0, 1025))).toBe("EINVAL");
    expect(codeOf(declared, fitting("write", 0, 1025))).toBe("EINVAL");
    expect(codeOf(declared, fitting("write-zeroes", 0, 65536))).toBeNull();
  });

  it("wants buffers that fit", () => {
    for (const operation of ["read", "write"] as const) {
      const iov = [new Uint8Array(3), new Uint8Array(0), new Uint8Array(4)];
      expect(codeOf({}, { operation, length: 7, iov })).toBeNull();
      expect(codeOf({}, { operation, length: 6, iov })).toBe("EINVAL");
      expect(codeOf({}, { operation, length: 8, iov })).toBe("EINVAL");
      expect(codeOf({}, { operation, length: 1, iov: [] })).toBe("EINVAL");
    }
    expect(iovLength([])).toBe(0);
  });

  it("refuses operations and flags that are not declared", () => {
    for (const operation of ["discard", "write-zeroes", "block-status"] as const) {
      expect(codeOf({}, fitting(operation, 0, 512))).toBe("ENOTSUP");
    }
    for (const operation of ["write", "discard", "write-zeroes"] as const) {
      expect(codeOf({ ...ALL, fua: false }, fitting(operation, 0, 512, RequestFlag.FUA))).toBe("EINVAL");
      expect(codeOf(ALL, fitting(operation, 0, 512, RequestFlag.FUA))).toBeNull();
    }
    const slow = { ...ALL, fastZero: false };
    expect(codeOf(slow, fitting("write-zeroes", 0, 512, RequestFlag.NO_FALLBACK))).toBe("ENOTSUP");
    expect(codeOf(slow, fitting("write-zeroes", 0, 512, RequestFlag.MAY_UNMAP))).toBeNull();
    expect(codeOf(ALL, fitting("block-status", 0, 0))).toBe("EINVAL");
  });

  it("never lets a range through that is not within the storage, whatever the numbers", () => {
    const number = fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.double(), fc.integer({ min: -2, max: 70000 }));
    const capabilities = defineCapabilities({ ...ALL, size: 65536 });
    fc.assert(
      fc.property(
        fc.constantFrom("discard", "write-zeroes", "block-status"),
        number,
        number,
        (operation, offset, length) => {
          const error = checkRequest(capabilities, createRequest({ operation, offset, length }));
          const whole = Number.isInteger(offset) && Number.isInteger(length);
          const least = operation === "block-status" ? 1 : 0;
          const inside = whole && offset >= 0 && length >= least && offset + length <= 65536;
          expect(error === null).toBe(inside);
          if (error !== null) expect(error).toMatchObject({ code: "EINVAL", operation, offset, length });
        },
      ),
    );
  });
});
