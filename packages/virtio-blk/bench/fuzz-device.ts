/**
 * Feeds rubbish to a device for as long as it is let: rings, tables and headers that are nearly right. Anything that throws,
 * never rests or changes a byte that it must not ends the run with the seed that shows it again.
 * Run: node --conditions=@rehandle/source packages/virtio-blk/bench/fuzz-device.ts [seconds [first seed]]
 */
import { HostileGuest } from "../src/lib/device/testing/hostile-guest.ts";

const ROUNDS = 300;

const seconds = Number(process.argv[2] ?? 60);
let seed = Number(process.argv[3] ?? 1);
const started = process.hrtime.bigint();
const elapsed = (): number => Number(process.hrtime.bigint() - started) / 1e9;
let [guests, submitted, broken] = [0, 0, 0];

while (elapsed() < seconds) {
  for (const packed of [false, true]) {
    const dataPath = seed % 3 === 0 ? "copy" : "direct";
    const guest = new HostileGuest(seed, packed, dataPath);
    let round = 0;
    try {
      for (; round < ROUNDS; round += 1) guest.round();
    } catch (error) {
      console.error(`seed ${seed}, ${packed ? "packed" : "split"}, ${dataPath}, round ${round}:`, error);
      process.exit(1);
    }
    guests += 1;
    submitted += guest.driver.log.length;
    broken += guest.broken;
  }
  seed += 1;
}
console.log(
  `${guests} guests of ${ROUNDS} rounds in ${elapsed().toFixed(0)} s, up to seed ${seed - 1}: ` +
    `${submitted} block requests, ${broken} times a reset was needed, nothing wrong`,
);
