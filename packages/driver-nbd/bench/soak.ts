/**
 * Runs the soak of the sockets for long: `node --conditions=@rehandle/source bench/soak.ts --minutes=60 [--clients=32]
 * [--sockets=node]`. It says what it has done after each pass, and ends with an error at the first stall or wrong byte.
 */
import { parseArgs } from "node:util";
import { soak } from "../src/testing/soak.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    clients: { type: "string", default: "32" },
    seed: { type: "string", default: "1" },
    sockets: { type: "string", default: "auto" },
  },
});
const sockets = values.sockets === "node" ? "node" : "auto";
const end = performance.now() + Number(values.minutes) * 60_000;
for (let seed = Number(values.seed); performance.now() < end; seed += 1) {
  const report = await soak({ clients: Number(values.clients), rounds: 5, seed, sockets, stallMs: 30_000 });
  console.log(`seed ${seed}: ${report.operations} requests, ${Math.round(report.bytes / 1e6)} MB, no stall`);
}
