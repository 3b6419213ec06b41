import fc from "fast-check";
import { expect, it } from "vitest";
import { createRandom } from "./random.ts";

it("gives the same numbers for the same seed, in [0, 1)", () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const [a, b] = [createRandom(seed), createRandom(seed)];
      for (let i = 0; i < 20; i += 1) {
        const value = a();
        expect(value).toBe(b());
        expect(value >= 0 && value < 1).toBe(true);
      }
    }),
  );
});

it("gives other numbers for another seed, evenly spread", () => {
  expect(createRandom(1)()).not.toBe(createRandom(2)());
  const random = createRandom(42);
  const buckets = Array.from({ length: 10 }, () => 0);
  for (let i = 0; i < 10_000; i += 1) buckets[Math.floor(random() * 10)]! += 1;
  expect(Math.min(...buckets)).toBeGreaterThan(850);
  expect(Math.max(...buckets)).toBeLessThan(1150);
});

it("stays what it is: a seed in a bug report must mean the same run for ever", () => {
  const random = createRandom(1);
  expect([random(), random(), random()]).toEqual([0.6270739405881613, 0.002735721180215478, 0.5274470399599522]);
});
