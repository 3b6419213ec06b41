import { constants } from "node:os";

import { createRandom, createSystemClock } from "@rehandle/driver-sdk";

import { HELP, readArguments, UsageError, type DemoOptions } from "./lib/demo-options.ts";
import { Processes } from "./lib/processes.ts";
import { createScreen } from "./lib/screen.ts";
import { tellStory } from "./lib/story.ts";

/** Signals that end the demo, and still let it put away what it started. */
const ENDING_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

process.exit(await main(process.argv.slice(2)));

async function main(args: readonly string[]): Promise<number> {
  try {
    const invocation = readArguments(args);
    if (invocation.verb === "run") return await run(invocation.options);
    process.stdout.write(HELP);
    return 0;
  } catch (error) {
    if (error instanceof UsageError) {
      console.error(`rehandle-demo: ${error.message}\nTry 'rehandle-demo --help'.`);
      return 2;
    }
    console.error(`rehandle-demo: the story could not be told: ${describe(error)}`);
    return 1;
  }
}

async function run(options: DemoOptions): Promise<number> {
  const clock = createSystemClock();
  const processes = new Processes(clock);
  const screen = createScreen(process.stdout, process.env, options);
  // Whichever way it ends.
  process.once("exit", () => {
    screen.close();
    processes.cleanUp();
  });
  for (const signal of ENDING_SIGNALS) {
    process.once(signal, () => {
      console.error(`\nrehandle-demo: ended by ${signal}`);
      process.exit(128 + constants.signals[signal]);
    });
  }
  // Nobody reads it any more, such as `head`.
  process.stdout.once("error", () => process.exit(1));
  const random = createRandom(process.pid);
  const story = tellStory({ options, clock, random, processes, screen });
  const reasons = await Promise.race([story, processes.failure]);
  if (reasons.length === 0) return 0;
  console.error(` The story does not hold.\n${reasons.map((reason) => ` - ${reason}`).join("\n")}`);
  return 1;
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${describe(error.cause)}`;
}
