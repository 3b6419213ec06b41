import {
  createBlockClient,
  createRandom,
  createRequest,
  createSystemClock,
  type BlockClient,
  type BlockDriver,
  type BlockError,
  type BlockRequest,
  type Clock,
  type DriverEvent,
} from "@rehandle/driver-sdk";
import type { NbdDriverOptions } from "../lib/driver-options.ts";
import { createNbdDriver } from "../lib/nbd-driver.ts";

/** A request that a test has submitted. */
interface Submitted {
  readonly request: BlockRequest;
  /** Null for success. */
  readonly done: Promise<BlockError | null>;
  /** How often it was completed: 1 in the end, never more. */
  completions: number;
}

/** An open driver with everything that it said. */
export interface OpenedDriver {
  readonly driver: BlockDriver;
  readonly client: BlockClient;
  readonly events: DriverEvent[];
  readonly submit: (fields: Partial<BlockRequest>) => Submitted;
}

export interface OpenSettings {
  clock?: Clock;
  held?: boolean;
}

export const systemClock: Clock = createSystemClock();

/** How drivers send and receive, if the test does not say. */
let usualSockets: "auto" | "node" = "auto";

/** From now on in this file, drivers use these. */
export function useSockets(sockets: "auto" | "node"): void {
  usualSockets = sockets;
}

/** Opens a driver the way an engine does (`held`), or without one. */
export async function openDriver(options: NbdDriverOptions, settings: OpenSettings = {}): Promise<OpenedDriver> {
  const { clock = systemClock, held = true } = settings;
  const driver = createNbdDriver({ sockets: usualSockets, ...options });
  const events: DriverEvent[] = [];
  await driver.open({ clock, random: createRandom(1), held, onEvent: (event) => void events.push(event) });
  return { driver, client: createBlockClient(driver), events, submit: (fields) => submit(driver, fields) };
}

function submit(driver: BlockDriver, fields: Partial<BlockRequest>): Submitted {
  const submitted = { completions: 0 } as { -readonly [Key in keyof Submitted]: Submitted[Key] };
  submitted.done = new Promise((resolve) => {
    submitted.request = createRequest({
      ...fields,
      complete: (_request, error) => {
        submitted.completions += 1;
        resolve(error);
      },
    });
  });
  driver.submit(submitted.request);
  return submitted;
}

/** Waits until something is so. Fails after 20 s, long enough for any machine. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const start = systemClock.now();
  while (!(await isSo())) {
    if (systemClock.now() - start > 20_000) throw new Error(`waited in vain for: ${what}`);
    await pause(2);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void systemClock.setTimer(ms, resolve));
}
