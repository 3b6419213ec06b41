/**
 * How long the parsers take for 1 MiB of hostile text of each kind: the slowest kinds, and exit code 1 if one takes more than
 * 100 ms of CPU time. Run: node --expose-gc --conditions=@rehandle/source packages/options/bench/hostile-text.ts [parser]
 */
import { HOSTILE_TEXTS } from "../src/testing/hostile-texts.ts";
import { attempt, PARSERS } from "../src/testing/option-fuzzer.ts";

const LENGTH = 1 << 20;
const LIMIT = 100;
const ROUNDS = 3;
const SHOWN = 12;
/** What comes before the text, so that it lies in a value, a key, a JSON string, a section, a number. */
const PREFIXES = [
  "",
  "a=",
  "a.b=1,",
  '{"a":"',
  "{'a':",
  "[drive]\n",
  "[object]\n",
  "id=a,size=1,",
  "driver=raw,",
  "0x",
  "1.",
];

const { gc } = globalThis as { gc?: () => void };

/** ms of CPU time, the best of some rounds, without the garbage of what was before. */
function cost(parse: (text: string) => unknown, text: string): number {
  let best = Infinity;
  for (let round = 0; round < ROUNDS && best > LIMIT / 2; round += 1) {
    if (round > 0) gc?.();
    const start = process.cpuUsage();
    attempt(parse, text);
    const { user, system } = process.cpuUsage(start);
    best = Math.min(best, (user + system) / 1000);
  }
  return best;
}

const results: { what: string; ms: number }[] = [];
const parsers = Object.entries(PARSERS).filter(([name]) => (process.argv[2] ?? name) === name);
for (const [kind, make] of Object.entries(HOSTILE_TEXTS)) {
  // JSON is JSON only from its first character on.
  for (const prefix of kind.startsWith("JSON") ? [""] : PREFIXES) {
    const text = prefix + make(LENGTH - prefix.length);
    for (const [parser, parse] of parsers) {
      results.push({ what: `${parser}: ${JSON.stringify(prefix)} and ${kind}`, ms: cost(parse, text) });
    }
  }
}
console.log(`${results.length} texts of 1 MiB, best of ${ROUNDS} rounds, ms of CPU time; the slowest:`);
const slowest = results.toSorted((a, b) => b.ms - a.ms).slice(0, SHOWN);
for (const { what, ms } of slowest) console.log(`${ms.toFixed(1).padStart(9)} ms  ${what}`);
const tooSlow = results.filter(({ ms }) => ms > LIMIT).length;
console.log(`${tooSlow} took more than ${LIMIT} ms`);
if (tooSlow > 0) process.exitCode = 1;
