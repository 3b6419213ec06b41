// What a simulated run costs: a disk in memory behind a fault driver with a random plan, created, used and closed:
// ns of CPU time for each of its requests.
// Run: node --expose-gc --conditions=@rehandle/source packages/driver-sdk/bench/faults.ts
import { createMemoryDriver } from "../../driver-memory/src/index.ts";
import { createFaultDriver, createFaultPlan } from "../src/faults/index.ts";
import { createRandom, createRequest, createVirtualClock, type BlockRequest } from "../src/index.ts";

const REQUESTS = 100;
const DEPTH = 8;

async function simulate(seed: number, volatileCache: boolean): Promise<number> {
  const random = createRandom(seed);
  const clock = createVirtualClock();
  const inner = createMemoryDriver({ size: 65536, chunkSize: 4096 });
  const disk = createFaultDriver(inner, { ...createFaultPlan(random), latency: [0, 20], volatileCache, random });
  await disk.open({ clock, random, onEvent: () => {}, held: true });
  let left = REQUESTS;
  let completed = 0;
  const submit = (request: BlockRequest): void => {
    if (left-- <= 0) return;
    const draw = random();
    request.operation = draw < 0.45 ? "read" : draw < 0.9 ? "write" : "flush";
    const isFlush = request.operation === "flush";
    request.offset = isFlush ? 0 : Math.floor(random() * 127) * 512;
    request.length = isFlush ? 0 : 512;
    disk.submit(request);
  };
  const complete = (request: BlockRequest): void => {
    completed += 1;
    clock.setTimer(random() * 100, () => submit(request));
  };
  for (let i = 0; i < DEPTH; i += 1) submit(createRequest({ iov: [new Uint8Array(512)], complete }));
  while (clock.step());
  await disk.close();
  return completed;
}

for (const volatileCache of [false, true]) {
  const runs = 3000;
  let completed = 0;
  for (let seed = 0; seed < 500; seed += 1) await simulate(seed, volatileCache);
  const start = process.cpuUsage();
  for (let seed = 0; seed < runs; seed += 1) completed += await simulate(seed, volatileCache);
  const used = process.cpuUsage(start);
  const name = `simulated request${volatileCache ? ", volatile cache" : ""}`;
  const ns = ((used.user + used.system) * 1000) / completed;
  console.log(`${name.padEnd(42)} ${ns.toFixed(1).padStart(7)} ns`);
}
