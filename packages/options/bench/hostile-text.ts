/**
 * How long the parsers take for 1 MiB of hostile text of each kind: the slowest kinds, and exit code 1 if one takes more than
 * 100 ms of CPU time. Run: node --conditions=@rehandle/source packages/options/bench/hostile-text.ts
 */
import { attempt, differentKeys, HOSTILE_UNITS, hostileText, PARSERS } from "../src/testing/option-fuzzer.ts";

const LENGTH = 1 << 20;
const LIMIT = 100;
const ROUNDS = 3;
const SHOWN = 12;
/** What comes before the text, so that it lies in a value, a key, a JSON string. */
const PREFIXES = ["", "a=", "a.b=1,", '{"a":"', "{'a':", "[drive]\n", "id=a,size=1,"];

const texts: [string, string][] = PREFIXES.flatMap((prefix) => [
  ...Object.entries(HOSTILE_UNITS).map(([name, unit]): [string, string] => [
    `${JSON.stringify(prefix)} and ${name}`,
    prefix + hostileText(unit, LENGTH),
  ]),
  [`${JSON.stringify(prefix)} and different keys`, prefix + differentKeys(LENGTH, "")],
  [`${JSON.stringify(prefix)} and different dotted keys`, prefix + differentKeys(LENGTH, "a.")],
]);

/** ms of CPU time, the best of some rounds. */
function cost(parse: (text: string) => unknown, text: string): number {
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round += 1) {
    const start = process.cpuUsage();
    attempt(parse, text);
    const { user, system } = process.cpuUsage(start);
    best = Math.min(best, (user + system) / 1000);
    if (best < LIMIT / 2) break;
  }
  return best;
}

const results = Object.entries(PARSERS).flatMap(([parser, parse]) =>
  texts.map(([name, text]) => ({ what: `${parser}: ${name}`, ms: cost(parse, text) })),
);
console.log(`${results.length} texts of 1 MiB, best of ${ROUNDS} rounds, ms of CPU time; the slowest:`);
const slowest = results.toSorted((a, b) => b.ms - a.ms).slice(0, SHOWN);
for (const { what, ms } of slowest) console.log(`${ms.toFixed(1).padStart(9)} ms  ${what}`);
const tooSlow = results.filter(({ ms }) => ms > LIMIT).length;
console.log(`${tooSlow} took more than ${LIMIT} ms`);
if (tooSlow > 0) process.exitCode = 1;
