import { expect, test } from "vitest";
import { fuzzers } from "../testing/fuzz/fuzzers.ts";

/** `bench/fuzz-qapi.ts` does the same for as long as it is let, from any seed. */
const ROUNDS = 2400;

test.each(fuzzers)("rubbish harms no $name", { timeout: 600_000 }, async ({ name, run }) => {
  let bytes = 0;
  for (let seed = 1; seed <= ROUNDS; seed++) {
    try {
      bytes += await run(seed);
    } catch (error) {
      throw new Error(`${name}, seed ${seed}`, { cause: error });
    }
  }
  expect(bytes).toBeGreaterThan(10_000);
});
