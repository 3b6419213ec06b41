import { RequestFlag, type BlockRequest } from "../lib/block-request.ts";
import { assertBytes, assertCode, assertSucceeded, assertThat } from "./assertions.ts";
import {
  firstReason,
  unlessBlocks,
  unlessDeclared,
  unlessWritable,
  type ConformanceCheck,
} from "./conformance-check.ts";
import type { DriverProbe } from "./driver-probe.ts";

const writable = firstReason(unlessWritable, unlessBlocks(16));
/** Past what 32 bits can say. */
const FAR = 2 ** 32 + 65536;

/** What is written is read again, wherever it lies and however the buffers are cut. */
export const dataChecks: readonly ConformanceCheck[] = [
  { name: "aligned writes are read back", skipReason: writable, run: checkAligned },
  {
    name: "writes at odd offsets and lengths are read back, their neighbours stay",
    skipReason: writable,
    run: checkOdd,
  },
  { name: "iov of many parts, empty ones too, is read and written whole", skipReason: writable, run: checkParts },
  { name: "requests of no length succeed and touch nothing", run: checkNoLength },
  { name: "the first and the last bytes are read and written", skipReason: writable, run: checkBoundaries },
  {
    name: "offsets over 32 bits are not cut",
    skipReason: firstReason(writable, ({ capabilities }) =>
      capabilities.size >= FAR + 65536 ? null : `the storage is smaller than ${FAR + 65536} bytes`,
    ),
    run: checkFar,
  },
  {
    name: "reads repeat, whole or in pieces, and give what is known of the content",
    skipReason: unlessBlocks(16),
    run: checkReads,
  },
  {
    name: "a request object is used again from within its completion",
    skipReason: unlessBlocks(1),
    run: checkReuse,
  },
  {
    name: "flush succeeds, declared or not, on fresh storage and after writes",
    run: async (probe) => {
      await probe.perform("flush");
      if (probe.capabilities.readOnly || probe.span < probe.block) return;
      await probe.write(0, probe.bytes(probe.block));
      await probe.perform("flush");
    },
  },
  {
    name: "writes with FUA are read back",
    skipReason: firstReason(unlessDeclared("fua"), writable),
    run: async (probe) => {
      const data = probe.bytes(2 * probe.block);
      await probe.write(probe.block, data, RequestFlag.FUA);
      assertBytes(await probe.read(probe.block, data.length), data, "data written with FUA");
    },
  },
];

async function checkAligned(probe: DriverProbe): Promise<void> {
  const { block } = probe;
  const before = await probe.read(0, 16 * block);
  for (const [at, count] of [
    [0, 1],
    [1, 1],
    [3, 2],
    [7, 4],
    [2, 3],
    [0, 16],
    [15, 1],
  ] as const) {
    const data = probe.bytes(count * block);
    await probe.write(at * block, data);
    before.set(data, at * block);
    assertBytes(await probe.read(at * block, data.length), data, `${data.length} bytes at ${at * block}`);
    assertBytes(await probe.read(0, 16 * block), before, `all blocks after a write at ${at * block}`);
  }
}

/** Numbers around the usual block sizes, cut down to the alignment. */
function oddNumbers(probe: DriverProbe): number[] {
  const unit = probe.capabilities.requestAlignment;
  const numbers = [1, 3, 511, 512, 513, 1000, 4095, 4096, 4097, 8191, 65535, 65536, 65537, unit, 3 * unit];
  return [...new Set(numbers.map((n) => n - (n % unit)))].filter((n) => n > 0);
}

async function checkOdd(probe: DriverProbe): Promise<void> {
  const numbers = oddNumbers(probe);
  const unit = probe.capabilities.requestAlignment;
  const ranges = numbers.flatMap((offset) => numbers.map((length) => ({ offset, length })));
  const fitting = ranges.filter(({ offset, length }) => {
    return offset + length + unit <= probe.span && length <= probe.longestTransfer;
  });
  // A slow driver is spared some of them.
  for (let left = Math.max(16, (probe.setup.operations ?? 400) / 2); left > 0 && fitting.length > 0; left -= 1) {
    const [range] = fitting.splice(probe.below(fitting.length), 1);
    const { offset, length } = range!;
    const expected = await probe.read(offset - unit, length + 2 * unit);
    const data = probe.bytes(length);
    await probe.write(offset, data);
    expected.set(data, unit);
    const what = `the neighbourhood of ${length} bytes written at ${offset}`;
    assertBytes(await probe.read(offset - unit, length + 2 * unit), expected, what);
  }
}

async function checkParts(probe: DriverProbe): Promise<void> {
  const { block } = probe;
  const length = 4 * block;
  for (const cuts of [[0], [1], [0, 1, 1], [block], [block - 1, block + 1], [7, 7, 300, 2 * block, 4 * block], []]) {
    const data = probe.bytes(length);
    const written = probe.submit({ operation: "write", offset: block, length, iov: cutAt(data.slice(), cuts) });
    assertSucceeded(await probe.completion(written), written.name);
    const target = new Uint8Array(length);
    const read = probe.submit({ operation: "read", offset: block, length, iov: cutAt(target, cuts) });
    assertSucceeded(await probe.completion(read), read.name);
    assertBytes(target, data, `${length} bytes through an iov cut at [${cuts.join(", ")}]`);
    assertBytes(
      await probe.read(block, length),
      data,
      `${length} bytes written from an iov cut at [${cuts.join(", ")}]`,
    );
  }
}

/** Views of `bytes`, cut at the offsets given; equal offsets give an empty part. */
function cutAt(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const edges = [0, ...cuts, bytes.length];
  return edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge));
}

async function checkNoLength(probe: DriverProbe): Promise<void> {
  const { size, requestAlignment: unit, readOnly, discard, writeZeroes } = probe.capabilities;
  const end = size - (size % unit);
  const head = await probe.read(0, probe.span);
  for (const offset of [0, Math.min(unit, end), end]) {
    for (const operation of ["read", "write", "discard", "write-zeroes"] as const) {
      if (operation !== "read" && readOnly) continue;
      if ((operation === "discard" && !discard) || (operation === "write-zeroes" && !writeZeroes)) continue;
      const data = operation === "read" || operation === "write";
      for (const iov of data ? [[], [new Uint8Array(0)]] : [[]]) {
        const sent = probe.submit({ operation, offset, length: 0, iov });
        assertSucceeded(await probe.completion(sent), sent.name);
      }
    }
    if (probe.capabilities.blockStatus) {
      const fields = { operation: "block-status", offset, length: 0 } as const;
      assertCode(await probe.send(fields), "EINVAL", "block-status of no length");
    }
  }
  assertBytes(await probe.read(0, probe.span), head, "the storage after requests of no length");
}

async function checkBoundaries(probe: DriverProbe): Promise<void> {
  const { size, requestAlignment: unit } = probe.capabilities;
  const end = size - (size % unit);
  for (const length of [unit, probe.block, probe.block + unit]) {
    for (const offset of [0, end - length]) {
      const data = probe.bytes(length);
      await probe.write(offset, data);
      assertBytes(await probe.read(offset, length), data, `${length} bytes at ${offset}`);
    }
  }
}

async function checkFar(probe: DriverProbe): Promise<void> {
  const { block } = probe;
  const near = probe.bytes(2 * block);
  const far = probe.bytes(2 * block);
  await probe.write(FAR - 2 ** 32, near);
  await probe.write(FAR, far);
  assertBytes(await probe.read(FAR, far.length), far, "data over 4 GiB");
  assertBytes(await probe.read(FAR - 2 ** 32, near.length), near, "data 4 GiB below a write");
}

async function checkReads(probe: DriverProbe): Promise<void> {
  const { span, block } = probe;
  const whole = await probe.read(0, span);
  const expected = probe.setup.expected?.(0, span);
  if (expected !== undefined) assertBytes(whole, expected, "the fresh storage");
  for (let count = 0; count < 20; count += 1) {
    const unit = probe.capabilities.requestAlignment;
    const offset = probe.below(span / unit) * unit;
    const length = Math.min(span - offset, unit * (1 + probe.below((8 * block) / unit)));
    const piece = await probe.read(offset, length);
    assertBytes(piece, whole.subarray(offset, offset + length), `${length} bytes at ${offset}, read again`);
  }
}

async function checkReuse(probe: DriverProbe): Promise<void> {
  const { block } = probe;
  const rounds = 64;
  let round = 0;
  let fails: string | null = null;
  const first = probe.submit({ operation: "read", length: block });
  assertSucceeded(await probe.completion(first), first.name);
  const request: BlockRequest = { ...first.request, owner: "reused", iov: [new Uint8Array(block)] };
  const chain = new Promise<void>((resolve) => {
    request.complete = (again, error) => {
      round += 1;
      if (again !== request || request.owner !== "reused") fails = "complete was called with another request";
      if (error !== null) fails = `round ${round} failed with ${error.code}`;
      if (round < rounds && fails === null) probe.driver.submit(request);
      else resolve();
    };
  });
  probe.driver.submit(request);
  await probe.within(chain, "a chain of requests");
  await probe.settle();
  assertThat(fails === null, `a request that was used again: ${fails}`);
  assertThat(round === rounds, `${round} completions of ${rounds} requests`);
}
