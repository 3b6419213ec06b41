import { createScreen, UsageError } from "@rehandle/demo";
import { createSystemClock } from "@rehandle/driver-sdk";
import { constants } from "node:os";

import { HELP, readArguments, type DemoOptions } from "./lib/demo-options.ts";
import { makeGuestImage } from "./lib/guest-image.ts";
import { tellStory } from "./lib/story.ts";

/** Signals that end the demo, and still let it put away what it started. */
const ENDING_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
/** A full bar of the chart: requests that the guest's two programs and its kernel keep in flight, about. */
const QUEUE_DEPTH = 4;

process.exit(await main(process.argv.slice(2)));

async function main(args: readonly string[]): Promise<number> {
  try {
    const invocation = readArguments(args);
    if (invocation.verb === "run") return await run(invocation.options);
    process.stdout.write(HELP);
    return 0;
  } catch (error) {
    if (error instanceof UsageError) {
      console.error(`rehandle-guest-demo: ${error.message}\nTry 'rehandle-guest-demo --help'.`);
      return 2;
    }
    console.error(`rehandle-guest-demo: the story could not be told: ${describe(error)}`);
    return 1;
  }
}

async function run(options: DemoOptions): Promise<number> {
  const clock = createSystemClock();
  const screen = createScreen(process.stdout, process.env, { ...options, queueDepth: QUEUE_DEPTH });
  process.once("exit", () => screen.close());
  for (const signal of ENDING_SIGNALS) {
    process.once(signal, () => {
      console.error(`\nrehandle-guest-demo: ended by ${signal}`);
      // What an act started goes away with the process.
      process.exit(128 + constants.signals[signal]);
    });
  }
  // Nobody reads it any more, such as `head`.
  process.stdout.once("error", () => process.exit(1));
  const image = await makeGuestImage(clock);
  const reasons = await tellStory({ options, clock, image, screen });
  if (reasons.length === 0) return 0;
  console.error(` The story does not hold.\n${reasons.map((reason) => ` - ${reason}`).join("\n")}`);
  return 1;
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${describe(error.cause)}`;
}
