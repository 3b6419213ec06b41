/**
 * Lets a hostile driver at the rings for as long as you like; not a measurement. It ends with exit code 1 and the seed of the
 * run if the device did what it must not.
 * Run: node --conditions=@rehandle/source packages/virtio-blk/bench/fuzz-rings.ts [seconds, default 10] [first seed, default 1]
 */
import { createRandom } from "@rehandle/driver-sdk";

import { fuzzRings } from "../src/testing/ring-fuzzer.ts";

const STEPS = 2000;

const seconds = Number(process.argv[2] ?? 10);
const first = Number(process.argv[3] ?? 1);
const faults = new Map<string, number>();
let queues = 0;
let chains = 0;
let seed = first;
for (const end = performance.now() + seconds * 1000; performance.now() < end; seed++) {
  try {
    const report = fuzzRings(createRandom(seed), STEPS);
    queues += report.queues;
    chains += report.chains;
    for (const [fault, count] of report.faults) faults.set(fault, (faults.get(fault) ?? 0) + count);
  } catch (error) {
    console.error(`seed ${seed}:`, error);
    process.exitCode = 1;
    break;
  }
}
console.log(`seeds ${first} … ${seed - 1}: ${queues} queues, ${chains} chains taken`);
for (const [fault, count] of [...faults].toSorted((a, b) => b[1] - a[1])) console.log(String(count).padStart(9), fault);
