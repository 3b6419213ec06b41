import { expect } from "vitest";
import type { DaemonProcess } from "./daemon-process.ts";
import { Sandbox } from "./sandbox.ts";

/** Runs a test in a folder of its own, and ends whatever it left behind. */
export async function inSandbox(test: (sandbox: Sandbox) => Promise<void>): Promise<void> {
  const sandbox = new Sandbox();
  try {
    await test(sandbox);
  } finally {
    await sandbox.remove();
  }
}

/** Asks a daemon to end, which must work and exit with 0. */
export async function expectStopped({ process, monitor }: DaemonProcess): Promise<void> {
  monitor.end();
  process.signal("SIGTERM");
  expect(await process.ended, process.stderr).toBe(0);
}
