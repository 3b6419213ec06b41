/**
 * Lets random texts at every parser of this package for as long as you like; not a measurement. It ends with exit code 1, the
 * seed and the text if one threw what it does not declare.
 * Run: node --conditions=@rehandle/source packages/options/bench/fuzz-parsers.ts [seconds, default 10] [first seed, default 1]
 */
import { fuzzParser, PARSERS } from "../src/testing/option-fuzzer.ts";

const RUNS = 500;

const seconds = Number(process.argv[2] ?? 10);
const first = Number(process.argv[3] ?? 1);
let seed = first;
try {
  for (const end = performance.now() + seconds * 1000; performance.now() < end; seed += 1) {
    for (const [name, parse] of Object.entries(PARSERS)) {
      try {
        fuzzParser(parse, seed, RUNS);
      } catch (error) {
        console.error(`${name}, seed ${seed}`);
        throw error;
      }
    }
  }
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
const parsers = Object.keys(PARSERS).length;
console.log(`seeds ${first} … ${seed - 1}: ${(seed - first) * parsers * RUNS} texts for ${parsers} parsers`);
