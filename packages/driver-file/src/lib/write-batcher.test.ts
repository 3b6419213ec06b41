import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";

import type { BatchContext, BatchContexts, BatchEnd } from "./batch-context.ts";
import { nodeFileSystem, type FileSystem } from "./file-system.ts";
import { loadSystemCalls } from "./system-calls.ts";
import { WriteBatcher } from "./write-batcher.ts";

const systemNow = (): number => performance.now();

/** Notes what each batch has, and ends it when the test says so. */
function createFakeContext(): {
  context: BatchContext;
  batches: number[][];
  quick: boolean[];
  end: (results: number[], errno?: number) => void;
} {
  const batches: number[][] = [];
  const quick: boolean[] = [];
  let positions: number[] = [];
  let results: number[] = [];
  let done: BatchEnd | null = null;
  const context: BatchContext = {
    set: (index, _fd, _buffer, _from, _length, position) => void (positions[index] = position),
    run(count, isQuick, ended) {
      quick.push(isQuick);
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
  return { context, batches, quick, end };
}

function only(context: BatchContext, isQuick = false): BatchContexts {
  return { take: () => context, give: () => {}, isQuick: () => isQuick };
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
  const batcher = new WriteBatcher(noFileSystem, only(context), systemNow);
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
  const batcher = new WriteBatcher(noFileSystem, only(context), systemNow);
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
  const batcher = new WriteBatcher(noFileSystem, only(context), systemNow);
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
  const batcher = new WriteBatcher(noFileSystem, only(context), systemNow);
  for (let position = 0; position < 100; position += 1) {
    batcher.write(3, new Uint8Array(8), 0, 8, position, () => {});
  }
  await new Promise(setImmediate);
  expect(batches[0]).toHaveLength(64);
  const long = createFakeContext();
  const other = new WriteBatcher(noFileSystem, only(long.context), systemNow);
  for (let position = 0; position < 3; position += 1) {
    other.write(3, new Uint8Array(700_000), 0, 700_000, position, () => {});
  }
  await new Promise(setImmediate);
  expect(long.batches[0]).toHaveLength(1);
});

/** Writes of 8 bytes, one at a time, to a batcher whose thread is awake. */
function writeAlone(): {
  batcher: WriteBatcher;
  /** @returns whether the thread was asked. */
  write: (took: number) => Promise<boolean>;
} {
  const { context, batches, quick, end } = createFakeContext();
  let now = 0;
  const fileSystem: FileSystem = {
    ...nodeFileSystem,
    write: (_fd, _buffer, _from, length, _at, done) => done(null, length),
  };
  const batcher = new WriteBatcher(fileSystem, only(context, true), () => now);
  const write = async (took: number): Promise<boolean> => {
    const before = batches.length;
    batcher.write(3, new Uint8Array(8), 0, 8, 0, () => {});
    await new Promise(setImmediate);
    now += took;
    if (batches.length === before) return false;
    expect(quick.at(-1)).toBe(true);
    end([8]);
    return true;
  };
  return { batcher, write };
}

test("where a thread is awake, one write alone goes to it, unless the last took long", async () => {
  const { write } = writeAlone();
  for (let count = 0; count < 8; count += 1) await write(0);
  expect([await write(0.5), await write(1.5), await write(0)]).toEqual([true, true, false]);
});

test("a write alone soon after a flush does not go to the thread that is awake", async () => {
  const { batcher, write } = writeAlone();
  for (let round = 0; round < 2; round += 1) {
    for (let count = 0; count < 8; count += 1) expect(await write(0)).toBe(false);
    expect(await write(0)).toBe(true);
    batcher.flushed();
  }
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
    const batcher = new WriteBatcher(nodeFileSystem, contexts, systemNow);
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
