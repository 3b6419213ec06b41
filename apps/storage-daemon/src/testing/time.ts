import { createSystemClock, type Clock } from "@rehandle/driver-sdk";

export const clock: Clock = createSystemClock();

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void clock.setTimer(ms, resolve));
}

/** Waits until something is so, and resolves with it. Fails after `deadline` ms, by default long enough for any machine. */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  deadline = 60_000,
): Promise<Exclude<T, false | null | undefined>> {
  const start = clock.now();
  for (;;) {
    const found = await look();
    if (found !== false && found !== null && found !== undefined) return found as Exclude<T, false | null | undefined>;
    if (clock.now() - start > deadline) throw new Error(`waited in vain for: ${what}`);
    await pause(5);
  }
}

/** One line of measured figures, for whoever reads the suites' output. */
export function report(line: string): void {
  process.stderr.write(`measured: ${line}\n`);
}
