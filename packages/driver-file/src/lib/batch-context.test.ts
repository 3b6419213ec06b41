import fs from "node:fs";
import os, { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";

import { createBatchContexts, type BatchContexts } from "./batch-context.ts";
import type { CallThread } from "./call-thread.ts";
import { nodeFileSystem } from "./file-system.ts";
import { WriteBatcher } from "./write-batcher.ts";

type Koffi = typeof import("koffi");
type Callback = (failure: unknown, result: number) => void;

const koffi = await import("koffi").then(
  (module): Koffi => module,
  () => null,
);
const works = koffi !== null && (createBatchContexts(koffi)?.take() ?? null) !== null;
if (!works) {
  if (process.env["CI"] !== undefined) throw new Error("io_submit does not work here");
  console.warn("NOT RUN: batches whose ends are not told: this system does not have io_submit, or koffi is missing");
}

/** io_getevents(2) on x64 and arm64. */
const EVENTS = process.arch === "x64" ? 208 : 4;

/** koffi with the real system, but that io_getevents fails with these, one after the other; the last for ever. 0: it is let through. */
function failingEvents(real: Koffi, errnos: readonly number[]): { koffi: Koffi; asked: () => number } {
  let asked = 0;
  let shown = 0;
  const next = (number: number): number => {
    if (number !== EVENTS) return 0;
    asked += 1;
    return errnos[Math.min(asked, errnos.length) - 1]!;
  };
  const syscall = real.load(null).func("syscall", "int64", ["int64", "void *", "int64", "void *", "void *", "void *"]);
  const call = (...parameters: [number, ...unknown[]]): number => {
    shown = next(parameters[0]);
    return shown === 0 ? syscall(...parameters) : -1;
  };
  call.async = (...parameters: [number, ...unknown[]]): void => {
    const errno = next(parameters[0]);
    const done = parameters.at(-1) as Callback;
    if (errno === 0) {
      shown = 0;
      syscall.async(...parameters);
      return;
    }
    setImmediate(() => {
      shown = errno;
      done(null, -1);
    });
  };
  const fake = { ...real, load: () => ({ func: () => call }), errno: () => shown || real.errno() };
  return { koffi: fake as unknown as Koffi, asked: () => asked };
}

async function writeThree(contexts: BatchContexts | null): Promise<{ ends: string[]; data: Buffer }> {
  const folder = fs.mkdtempSync(join(tmpdir(), "rehandle-batch-"));
  const fd = fs.openSync(join(folder, "disk"), "w+");
  try {
    const batcher = new WriteBatcher(nodeFileSystem, contexts!, () => performance.now());
    const write = (index: number): Promise<string> =>
      new Promise((resolve) => {
        const buffer = new Uint8Array(4096).fill(index);
        batcher.write(fd, buffer, 0, 4096, index * 4096, (error, bytes) => resolve(error?.code ?? String(bytes)));
      });
    return { ends: await Promise.all([write(0), write(1), write(2)]), data: fs.readFileSync(join(folder, "disk")) };
  } finally {
    fs.closeSync(fd);
    fs.rmSync(folder, { recursive: true });
  }
}

const expected = Buffer.concat([Buffer.alloc(4096, 0), Buffer.alloc(4096, 1), Buffer.alloc(4096, 2)]);
const { EINTR, EINVAL } = os.constants.errno;

test.runIf(works)("writes whose ends the system never tells are made again, and no batch after them", async () => {
  const { koffi: failing, asked } = failingEvents(koffi!, [EINVAL]);
  const contexts = createBatchContexts(failing);
  const { ends, data } = await writeThree(contexts);
  expect(ends).toEqual(["4096", "4096", "4096"]);
  expect(data.equals(expected)).toBe(true);
  expect(asked()).toBe(2);
  expect(contexts?.take()).toBeNull();
});

test.runIf(works)("a question for their ends that a signal interrupts is asked again", async () => {
  const { koffi: failing, asked } = failingEvents(koffi!, [EINTR, EINTR, EINTR, 0]);
  const contexts = createBatchContexts(failing);
  const { ends, data } = await writeThree(contexts);
  expect(ends).toEqual(["4096", "4096", "4096"]);
  expect(data.equals(expected)).toBe(true);
  expect(asked()).toBe(4);
  expect(contexts?.take()).not.toBeNull();
});

/** Real contexts whose thread is awake. */
async function awakeContexts(): Promise<BatchContexts> {
  const contexts = createBatchContexts(koffi!)!;
  for (let asked = 0; asked < 63; asked += 1) expect(contexts.isQuick()).toBe(false);
  await new Promise((resolve) => setTimeout(resolve, 100));
  // Not yet: so few have no thread.
  expect(contexts.isQuick()).toBe(false);
  await expect.poll(() => contexts.isQuick()).toBe(true);
  return contexts;
}

test.runIf(works)("the thread that is awake writes what the pool would", async () => {
  const { ends, data } = await writeThree(await awakeContexts());
  expect(ends).toEqual(["4096", "4096", "4096"]);
  expect(data.equals(expected)).toBe(true);
});

test.runIf(works)("what was on a thread that ended is written again", async () => {
  let asked = 0;
  const run: CallThread["run"] = (_number, _parameters, done) => {
    asked += 1;
    setImmediate(() => done(null, 0));
  };
  const { ends, data } = await writeThree(createBatchContexts(koffi!, { free: () => (asked === 0 ? { run } : null) }));
  expect(ends).toEqual(["4096", "4096", "4096"]);
  expect(data.equals(expected)).toBe(true);
  expect(asked).toBe(1);
});
