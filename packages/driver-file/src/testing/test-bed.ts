import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import {
  createBlockClient,
  createRandom,
  createRequest,
  createSystemClock,
  type BlockClient,
  type BlockDriver,
  type BlockError,
  type BlockRequest,
  type DriverCapabilities,
  type DriverEvent,
  type OpenContext,
} from "@rehandle/driver-sdk";
import { onTestFinished } from "vitest";

import { createFileDriver } from "../lib/create-file-driver.ts";
import type { FileDriverOptions } from "../lib/file-driver-options.ts";
import { nodeFileSystem, type FileSystem } from "../lib/file-system.ts";

/** A request that a test submitted. */
export interface Submitted {
  readonly request: BlockRequest;
  /** Null for success. */
  readonly done: Promise<BlockError | null>;
  /** How often it was completed. */
  completions: number;
}

/** An open driver. */
export interface Bed {
  readonly driver: BlockDriver;
  readonly client: BlockClient;
  readonly capabilities: DriverCapabilities;
  readonly events: DriverEvent[];
  submit(fields: Partial<BlockRequest>): Submitted;
}

/** A folder that is removed when the test ended; on disk rather than in memory, if there is a choice. */
export function temporaryFolder(parent: string = tmpdir()): string {
  const folder = mkdtempSync(join(parent, "rehandle-file-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A new sparse file in a folder of its own. */
export function temporaryFile(size: number, folder: string = temporaryFolder()): string {
  const path = join(folder, "disk.img");
  const fd = openSync(path, "w");
  ftruncateSync(fd, size);
  closeSync(fd);
  return path;
}

export function testContext(more: Partial<OpenContext> = {}): OpenContext {
  return { clock: createSystemClock(), random: createRandom(1), held: false, onEvent: () => {}, ...more };
}

/** Opens a driver, and closes it when the test ended. */
export async function openBed(options: FileDriverOptions, context: Partial<OpenContext> = {}): Promise<Bed> {
  const driver = createFileDriver(options);
  const events: DriverEvent[] = [];
  const capabilities = await driver.open(testContext({ onEvent: (event) => events.push(event), ...context }));
  onTestFinished(() => driver.close());
  return {
    driver,
    capabilities,
    events,
    client: createBlockClient(driver),
    submit: (fields) => submitTo(driver, fields),
  };
}

function submitTo(driver: BlockDriver, fields: Partial<BlockRequest>): Submitted {
  const { promise, resolve } = deferred<BlockError | null>();
  const submitted: Submitted = {
    request: createRequest({
      ...fields,
      complete: (_request, error) => {
        submitted.completions += 1;
        resolve(error);
      },
    }),
    done: promise,
    completions: 0,
  };
  driver.submit(submitted.request);
  return submitted;
}

/** Node's file system with some functions replaced. */
export function faultyFileSystem(replaced: Partial<FileSystem>): FileSystem {
  return { ...nodeFileSystem, ...replaced };
}

/** An error as Node's file system makes them. */
export function systemError(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: injected`), { code });
}

/** Bytes that differ at every offset below 251 × 251 and from seed to seed. */
export function pattern(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index += 1)
    bytes[index] = (index + Math.floor(index / 251) * 7 + seed * 31) % 251;
  return bytes;
}

/** Where two arrays differ first; -1 if nowhere. `toEqual` takes a second per MiB. */
export function difference(left: Uint8Array, right: Uint8Array): number {
  if (left.length === right.length && Buffer.compare(left, right) === 0) return -1;
  const index = left.findIndex((byte, at) => byte !== right[at]);
  return index < 0 ? left.length : index;
}

/** A promise that is settled from outside. */
export function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** Lets everything run that is ready. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
