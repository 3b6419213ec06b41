/**
 * Lets random texts at every parser of this package for as long as it is let. Anything that throws what it does not declare,
 * or takes far longer than its length allows, ends the run with the seed that shows it again.
 * Run: node --conditions=@rehandle/source packages/options/bench/fuzz-parsers.ts [seconds, default 3600 [first seed [parser]]]
 */
import { fuzzParser, PARSERS } from "../src/testing/option-fuzzer.ts";

const RUNS = 500;

const seconds = Number(process.argv[2] ?? 3600);
const first = Number(process.argv[3] ?? 1);
const chosen = Object.entries(PARSERS).filter(([name]) => process.argv[4] === undefined || process.argv[4] === name);
const started = process.hrtime.bigint();
const elapsed = (): number => Number(process.hrtime.bigint() - started) / 1e9;
/** Seconds of processor time: what is told of a round must not depend on what else the machine does. */
const spent = (): number => process.cpuUsage().user / 1e6;
const counts = chosen.map(([name]) => ({ name, rounds: 0, characters: 0, slowest: 0, slowestSeed: 0 }));

let seed = first;
let lastReport = 0;
for (; elapsed() < seconds; seed += 1) {
  for (const [i, [name, parse]] of chosen.entries()) {
    const begin = spent();
    let characters = 0;
    try {
      characters = fuzzParser(parse, seed, RUNS);
    } catch (error) {
      console.error(`${name}, seed ${seed}:`, error);
      process.exit(1);
    }
    const took = spent() - begin;
    const count = counts[i];
    if (count === undefined) continue;
    count.rounds += 1;
    count.characters += characters;
    if (took > count.slowest) [count.slowest, count.slowestSeed] = [took, seed];
    // A linear reader takes a hundredth of this.
    if (took > 20 + characters / 20_000) {
      console.error(`${name}, seed ${seed}: ${took.toFixed(1)} s for ${characters} characters`);
      process.exit(1);
    }
  }
  if (elapsed() - lastReport < 300) continue;
  lastReport = elapsed();
  console.log(`${lastReport.toFixed(0)} s, seed ${seed}, ${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MiB`);
}
for (const { name, rounds, characters, slowest, slowestSeed } of counts) {
  const worst = `the slowest took ${(slowest * 1000).toFixed(0)} ms (seed ${slowestSeed})`;
  const texts = `${rounds} rounds of ${RUNS} texts, ${(characters / 2 ** 20).toFixed(1)} Mi characters`;
  console.log(`${name}: ${texts}, ${worst}`);
}
console.log(`seeds ${first} to ${seed - 1} in ${elapsed().toFixed(0)} s, nothing wrong`);
