import fc from "fast-check";
import { expect, it } from "vitest";
import { copyFromIov, copyToIov, sliceIov } from "./iov.ts";

const bytes = fc.uint8Array({ maxLength: 12 });
const iovs = fc.array(bytes, { maxLength: 6 });

function flatten(iov: readonly Uint8Array[]): number[] {
  return iov.flatMap((part) => [...part]);
}

it("copyFromIov reads what lies from the offset on, and says how much", () => {
  fc.assert(
    fc.property(iovs, fc.nat(40), fc.nat(40), (iov, offset, length) => {
      const target = new Uint8Array(length).fill(0xee);
      const expected = flatten(iov).slice(offset, offset + length);
      expect(copyFromIov(iov, target, offset)).toBe(expected.length);
      expect([...target]).toEqual([...expected, ...Array.from({ length: length - expected.length }, () => 0xee)]);
    }),
  );
});

it("copyToIov writes from the offset on, and says how much", () => {
  fc.assert(
    fc.property(iovs, fc.nat(40), bytes, (iov, offset, source) => {
      const expected = flatten(iov);
      const count = Math.max(0, Math.min(source.length, expected.length - offset));
      expected.splice(offset, count, ...source.subarray(0, count));
      expect(copyToIov(iov, source, offset)).toBe(count);
      expect(flatten(iov)).toEqual(expected);
    }),
  );
});

it("sliceIov gives views of the same bytes", () => {
  fc.assert(
    fc.property(iovs, fc.nat(40), fc.nat(40), (iov, offset, length) => {
      const slice = sliceIov(iov, offset, length);
      expect(flatten(slice)).toEqual(flatten(iov).slice(offset, offset + length));
      for (const part of slice) part.fill(0xee);
      const changed = flatten(iov).slice(offset, offset + length);
      expect(changed.every((byte) => byte === 0xee)).toBe(true);
    }),
  );
});
