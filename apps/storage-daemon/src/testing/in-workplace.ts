import { expect } from "vitest";
import type { DaemonProcess } from "./daemon-process.ts";
import { Workplace } from "./workplace.ts";

/** Runs a test in a folder of its own, and ends whatever it left behind. */
export async function inWorkplace(test: (workplace: Workplace) => Promise<void>): Promise<void> {
  const workplace = new Workplace();
  try {
    await test(workplace);
  } finally {
    await workplace.remove();
  }
}

/** Asks a daemon to end, which must work and exit with 0. */
export async function expectStopped({ process, monitor }: DaemonProcess): Promise<void> {
  monitor.end();
  process.signal("SIGTERM");
  expect(await process.ended, process.stderr).toBe(0);
}
