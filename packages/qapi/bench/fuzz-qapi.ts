/**
 * Feeds rubbish to all that reads what strangers write, for as long as it is let: JSON, schemas, servers and clients of QMP.
 * Anything that throws, never settles, is out of order or takes far longer than its length allows ends the run with the seed
 * that shows it again.
 * Run: node --conditions=@rehandle/source packages/qapi/bench/fuzz-qapi.ts [seconds, default 3600 [first seed [json|schema|server|client]]]
 */
import { fuzzers } from "../src/testing/fuzz/fuzzers.ts";

const seconds = Number(process.argv[2] ?? 3600);
const first = Number(process.argv[3] ?? 1);
const chosen = fuzzers.filter(({ name }) => process.argv[4] === undefined || process.argv[4] === name);
const started = process.hrtime.bigint();
const elapsed = (): number => Number(process.hrtime.bigint() - started) / 1e9;
/** Seconds of processor time: what is told of a round must not depend on what else the machine does. */
const spent = (): number => process.cpuUsage().user / 1e6;
const counts = chosen.map(({ name }) => ({ name, rounds: 0, bytes: 0, slowest: 0, slowestSeed: 0 }));

process.on("unhandledRejection", (error) => {
  console.error(`seeds about ${seed}, a rejection that nobody handles:`, error);
  process.exit(1);
});

let seed = first;
let lastReport = 0;
for (; elapsed() < seconds; seed += 1) {
  for (const [i, { name, run }] of chosen.entries()) {
    const begin = spent();
    let bytes = 0;
    try {
      bytes = await run(seed);
      // Rejections that nobody handles are told between two turns of the event loop.
      await new Promise((resolve) => setImmediate(resolve));
    } catch (error) {
      console.error(`${name}, seed ${seed}:`, error);
      process.exit(1);
    }
    const took = spent() - begin;
    const count = counts[i];
    if (count === undefined) continue;
    count.rounds += 1;
    count.bytes += bytes;
    if (took > count.slowest) [count.slowest, count.slowestSeed] = [took, seed];
    // A linear reader takes a hundredth of this.
    if (took > 20 + bytes / 20_000) {
      console.error(`${name}, seed ${seed}: ${took.toFixed(1)} s for ${bytes} bytes`);
      process.exit(1);
    }
  }
  if (elapsed() - lastReport < 300) continue;
  lastReport = elapsed();
  console.log(`${lastReport.toFixed(0)} s, seed ${seed}, ${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MiB`);
}
for (const { name, rounds, bytes, slowest, slowestSeed } of counts) {
  const worst = `the slowest took ${(slowest * 1000).toFixed(0)} ms (seed ${slowestSeed})`;
  console.log(`${name}: ${rounds} rounds, ${(bytes / 2 ** 20).toFixed(1)} MiB, ${worst}`);
}
console.log(`seeds ${first} to ${seed - 1} in ${elapsed().toFixed(0)} s, nothing wrong`);
