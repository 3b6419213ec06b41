import fc from "fast-check";

/** The seed of generated texts: the same in every run, so that a run that failed can be repeated. */
const SEED = 20_260_928;

/** Texts of a language, made of its words and of signs. No NUL, which C cannot have in an argument. */
export function textsOf(words: readonly string[], signs: readonly string[], maxLength = 14): fc.Arbitrary<string> {
  const noise = fc.string({
    unit: fc.constantFrom(" ", "\t", "\n", "'", '"', "\\", "!", "%", "a", "Z", "9", "é", "€", "😀", "\u0001"),
    maxLength: 2,
  });
  const part = fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...words) },
    { weight: 5, arbitrary: fc.constantFrom(...signs) },
    { weight: 1, arbitrary: noise },
  );
  return fc.array(part, { maxLength }).map((parts) => parts.join(""));
}

/** As many different texts, always the same. */
export function sample(arbitrary: fc.Arbitrary<string>, count: number): string[] {
  return [...new Set(fc.sample(arbitrary, { numRuns: count * 2, seed: SEED }))].slice(0, count);
}

const pair = (keys: readonly string[], values: readonly string[]): fc.Arbitrary<string> =>
  fc.tuple(fc.constantFrom(...keys), fc.constantFrom(...values)).map((both) => both.join("="));

/** Items `KEY=VALUE` and a few that are not, with commas in between. */
export function itemsOf(
  keys: readonly string[],
  values: readonly string[],
  others: readonly string[],
): fc.Arbitrary<string> {
  const item = fc.oneof(
    { weight: 6, arbitrary: pair(keys, values) },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
  );
  return fc.array(item, { minLength: 1, maxLength: 7 }).map((items) => items.join(","));
}
