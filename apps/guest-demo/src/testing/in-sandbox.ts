import { createSystemClock, type Clock } from "@rehandle/driver-sdk";

import { makeGuestImage, type GuestImage } from "../lib/guest-image.ts";
import { Sandbox } from "../lib/sandbox.ts";

export const clock: Clock = createSystemClock();

/** Runs a test in a folder of its own, and ends whatever it left behind. */
export async function inSandbox(test: (sandbox: Sandbox, image: GuestImage) => Promise<void>): Promise<void> {
  const image = await makeGuestImage(clock);
  const sandbox = new Sandbox(clock);
  try {
    await test(sandbox, image);
  } finally {
    await sandbox.remove();
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void clock.setTimer(ms, resolve));
}

/** Waits until something is so. Fails after `deadline` ms, by default long enough for any machine. */
export async function until(what: string, look: () => boolean | Promise<boolean>, deadline = 60_000): Promise<void> {
  const start = clock.now();
  while (!(await look())) {
    if (clock.now() - start > deadline) throw new Error(`waited in vain for: ${what}`);
    await pause(10);
  }
}

/** One line of measured figures, for whoever reads the suites' output. */
export function report(line: string): void {
  process.stderr.write(`measured: ${line}\n`);
}
