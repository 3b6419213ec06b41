import { describe, expect, it } from "vitest";
import { bytesOnMember, splitIov, stripeAt, type StripeMap } from "./stripe-map.ts";

const map: StripeMap = { stripeSize: 4, members: 3 };

describe("stripe map", () => {
  it("agrees with dealing out byte by byte", () => {
    const dealt = [0, 0, 0];
    for (let position = 0; position < 100; position += 1) {
      expect(dealt.map((_, member) => bytesOnMember(map, member, position))).toEqual(dealt);
      const { member } = stripeAt(map, position);
      expect(member).toBe(Math.floor(position / 4) % 3);
      dealt[member]! += 1;
    }
  });

  it("is exact where 32 bits end, and far beyond", () => {
    const large: StripeMap = { stripeSize: 65536, members: 3 };
    const position = 2 ** 50 + 12345;
    const sum = [0, 1, 2].reduce((total, member) => total + bytesOnMember(large, member, position), 0);
    expect(sum).toBe(position);
  });

  it("deals parts of an iov out, as views", () => {
    const bytes = Uint8Array.from({ length: 15 }, (_, index) => index);
    const parts = splitIov(map, 2, [bytes.subarray(0, 5), bytes.subarray(5)]);
    expect(parts.map((each) => each.map((part) => [...part]))).toEqual([
      [
        [0, 1],
        [10, 11, 12, 13],
      ],
      [[2, 3, 4], [5], [14]],
      [[6, 7, 8, 9]],
    ]);
    expect(parts[0]?.[0]?.buffer).toBe(bytes.buffer);
  });
});
