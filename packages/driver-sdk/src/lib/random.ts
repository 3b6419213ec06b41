/** Returns numbers in [0, 1), as `Math.random` does. Injected wherever chance is wanted, so that a seed repeats a run. */
export type Random = () => number;

/** A {@link Random} that always gives the same numbers for the same seed (mulberry32). Not for cryptography. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
