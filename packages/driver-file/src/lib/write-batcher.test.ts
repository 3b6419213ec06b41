import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";

import type { BatchContext, BatchContexts, BatchEnd } from "./batch-context.ts";
import { nodeFileSystem, type FileSystem } from "./file-system.ts";
import { loadSystemCalls } from "./system-calls.ts";
import { WriteBatcher } from "./write-batcher.ts";

/** Notes what each batch has, and ends it when the test says so. */
function createFakeContext(): {
  context: BatchContext;
  batches: number[][];
  end: (results: number[], errno?: number) => void;
} {
  const batches: number[][] = [];
  let positions: number[] = [];
  let results: number[] = [];
  let done: BatchEnd | null = null;
  const context: BatchContext = {
    set: (index, _fd, _buffer, _from, _length, position) => void (positions[index] = position),
    run(count, ended) {
      batches.push(positions.slice(0, count));
      positions = [];
      done = ended;
    },
    result: (index) => results[index] ?? 0,
  };
  const end = (given: number[], errno = 0): void => {
    results = given;
    done?.(given.length, errno);
  };
  return { context, batches, end };
}

function only(context: BatchContext): BatchContexts {
  return { take: () => context, give: () => {} };
}

/** Nothing may be written alone. */
const noFileSystem: FileSystem = {
  ...nodeFileSystem,
  write: () => {
    throw new Error("a write alone");
  },
};

test("what comes together goes together, and what comes meanwhile goes next", async () => {
  const { context, batches, end } = createFakeContext();
  const batcher = new WriteBatcher(noFileSystem, only(context));
  const told: string[] = [];
  const write = (position: number): void =>
    batcher.write(3, new Uint8Array(8), 0, 8, position, (error, bytes) => {
      told.push(`${position}: ${error?.code ?? bytes}`);
    });
  for (const position of [1, 2, 3]) write(position);
  expect(batches).toEqual([]);
  await new Promise(setImmediate);
  for (const position of [4, 5]) write(position);
  await new Promise(setImmediate);
  expect(batches).toEqual([[1, 2, 3]]);
  end([8, -28, 4]);
  expect(told).toEqual(["1: 8", "2: ENOSPC", "3: 4"]);
  expect(batches[1]).toEqual([4, 5]);
});

test("what the system did not take goes again, and what it refused hears why", async () => {
  const { context, batches, end } = createFakeContext();
  const batcher = new WriteBatcher(noFileSystem, only(context));
  const told: string[] = [];
  for (const position of [1, 2, 3, 4]) {
    batcher.write(3, new Uint8Array(8), 0, 8, position, (error, bytes) => {
      told.push(`${position}: ${error?.code ?? bytes}`);
    });
  }
  await new Promise(setImmediate);
  end([8]);
  expect(batches[1]).toEqual([2, 3, 4]);
  end([], 11);
  expect(told).toEqual(["1: 8", "2: EAGAIN"]);
  expect(batches[2]).toEqual([3, 4]);
});

test("a callback that throws does not keep the others from theirs", async () => {
  const { context, end } = createFakeContext();
  const batcher = new WriteBatcher(noFileSystem, only(context));
  const told: number[] = [];
  for (const position of [1, 2, 3]) {
    batcher.write(3, new Uint8Array(8), 0, 8, position, () => {
      told.push(position);
      if (position === 1) throw new Error("thrown on purpose");
    });
  }
  await new Promise(setImmediate);
  expect(() => end([8, 8, 8])).toThrow("thrown on purpose");
  expect(told).toEqual([1, 2, 3]);
});

test("a batch is bounded", async () => {
  const { context, batches } = createFakeContext();
  const batcher = new WriteBatcher(noFileSystem, only(context));
  for (let position = 0; position < 100; position += 1) {
    batcher.write(3, new Uint8Array(8), 0, 8, position, () => {});
  }
  await new Promise(setImmediate);
  expect(batches[0]).toHaveLength(64);
  const long = createFakeContext();
  const other = new WriteBatcher(noFileSystem, only(long.context));
  for (let position = 0; position < 3; position += 1) {
    other.write(3, new Uint8Array(700_000), 0, 700_000, position, () => {});
  }
  await new Promise(setImmediate);
  expect(long.batches[0]).toHaveLength(1);
});

test("real batches write what they should, also beyond 4 GiB, and tell real errors", async () => {
  const contexts = (await loadSystemCalls())?.batchContexts ?? null;
  const first = contexts?.take() ?? null;
  if (contexts === null || first === null) {
    if (process.env["CI"] !== undefined) throw new Error("io_submit does not work here");
    console.warn("NOT RUN: batched writes: this system does not have io_submit, or koffi is missing");
    return;
  }
  contexts.give(first);
  const folder = fs.mkdtempSync(join(tmpdir(), "rehandle-batch-"));
  const fd = fs.openSync(join(folder, "disk"), "w+");
  const readOnly = fs.openSync(join(folder, "disk"), "r");
  try {
    const batcher = new WriteBatcher(nodeFileSystem, contexts);
    const write = (to: number, fill: number, position: number): Promise<string> =>
      new Promise((resolve) => {
        const buffer = new Uint8Array(5000).fill(fill);
        batcher.write(to, buffer, 4, 4096, position, (error, bytes) => resolve(error?.code ?? String(bytes)));
      });
    const far = 5 * 2 ** 30 + 12_345;
    const ends = await Promise.all([write(fd, 1, 0), write(fd, 2, far), write(fd, 3, 4096), write(readOnly, 4, 0)]);
    expect(ends).toEqual(["4096", "4096", "4096", "EBADF"]);
    const read = Buffer.alloc(4096);
    for (const [fill, position] of [
      [1, 0],
      [2, far],
      [3, 4096],
    ] as const) {
      fs.readSync(fd, read, 0, 4096, position);
      expect(read.every((byte) => byte === fill)).toBe(true);
    }
  } finally {
    fs.closeSync(fd);
    fs.closeSync(readOnly);
    fs.rmSync(folder, { recursive: true });
  }
});
