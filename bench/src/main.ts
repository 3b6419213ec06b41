/** `npm run bench`: see the README. */
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { parseBenchOptions, usage, type BenchOptions } from "./lib/bench-options.ts";
import { guard } from "./lib/guard.ts";
import { plan, runBench } from "./lib/run-bench.ts";
import { Workshop } from "./lib/workshop.ts";

const root = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

const options = readOptions();
if (options === null) process.exitCode = 2;
else if (options.help) console.log(usage);
else if (options.list) console.log(plan(options).join("\n"));
else process.exitCode = (await work(options)) ? 0 : 1;

function readOptions(): BenchOptions | null {
  try {
    return parseBenchOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    return null;
  }
}

async function work(options: BenchOptions): Promise<boolean> {
  const workshop = new Workshop(options.folder ?? tmpdir());
  try {
    return options.task === "guard" ? await guard(workshop, root, options) : await runBench(workshop, root, options);
  } finally {
    workshop.close();
  }
}
