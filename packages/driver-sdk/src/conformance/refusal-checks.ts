import { RequestFlag, type BlockOperation } from "../lib/block-request.ts";
import { assertBytes, assertCode, assertThat } from "./assertions.ts";
import { firstReason, unlessBlocks, unlessWritable, type ConformanceCheck } from "./conformance-check.ts";
import type { DriverProbe } from "./driver-probe.ts";

const RANGED: readonly BlockOperation[] = ["read", "write", "discard", "write-zeroes", "block-status"];
const MAX_SAFE = Number.MAX_SAFE_INTEGER;
/** The longest transfer that a check really makes, bytes. */
const LONGEST_TRIED = 64 * 1024 * 1024;

/** What must be refused before anything is touched. */
export const refusalChecks: readonly ConformanceCheck[] = [
  { name: "out of range fails with EINVAL", run: checkOutOfRange },
  { name: "NaN, fractional, negative and infinite offsets and lengths fail with EINVAL", run: checkNoNumbers },
  {
    name: "a misaligned offset or length fails with EINVAL",
    skipReason: firstReason(
      ({ capabilities }) => (capabilities.requestAlignment > 1 ? null : "requestAlignment is 1"),
      unlessBlocks(4),
    ),
    run: checkMisaligned,
  },
  {
    name: "buffers of another length than the request fail with EINVAL",
    skipReason: unlessBlocks(4),
    run: checkBufferLength,
  },
  {
    name: "a refused write leaves the storage as it was",
    skipReason: firstReason(unlessWritable, unlessBlocks(4)),
    run: checkRefusedWrite,
  },
  {
    name: "a transfer over maxTransfer fails with EINVAL, one of maxTransfer succeeds",
    skipReason: ({ capabilities: { maxTransfer, size } }) => {
      if (maxTransfer > LONGEST_TRIED) return `maxTransfer is over ${LONGEST_TRIED} bytes`;
      return size > maxTransfer + 65536 ? null : "the storage is smaller than maxTransfer";
    },
    run: checkMaxTransfer,
  },
  {
    name: "writes to read-only storage fail with EROFS",
    skipReason: firstReason(
      ({ capabilities }) => (capabilities.readOnly ? null : "the storage is not read-only"),
      unlessBlocks(1),
    ),
    run: checkReadOnly,
  },
  {
    name: "operations that are not declared fail with ENOTSUP",
    skipReason: unlessBlocks(1),
    run: checkUndeclared,
  },
  {
    name: "FUA that is not declared fails with EINVAL",
    skipReason: firstReason(
      unlessWritable,
      ({ capabilities }) => (capabilities.fua ? "fua is declared" : null),
      unlessBlocks(1),
    ),
    run: async (probe) => {
      const fields = { operation: "write", length: probe.block, flags: RequestFlag.FUA } as const;
      assertCode(await probe.send(fields, probe.bytes(probe.block)), "EINVAL", "write with FUA");
    },
  },
  {
    name: "NO_FALLBACK without fastZero fails with ENOTSUP",
    skipReason: firstReason(
      unlessWritable,
      ({ capabilities: { writeZeroes, fastZero } }) => {
        if (!writeZeroes) return "writeZeroes is not declared";
        return fastZero ? "fastZero is declared" : null;
      },
      unlessBlocks(1),
    ),
    run: async (probe) => {
      const fields = { operation: "write-zeroes", length: probe.block, flags: RequestFlag.NO_FALLBACK } as const;
      assertCode(await probe.send(fields), "ENOTSUP", "write-zeroes with NO_FALLBACK");
    },
  },
  { name: "errors say operation, offset, length and class", run: checkErrorFields },
];

/** The ranged operations that the capabilities declare. */
function declaredOperations(probe: DriverProbe): BlockOperation[] {
  const { readOnly, discard, writeZeroes, blockStatus } = probe.capabilities;
  const declared = { read: true, write: !readOnly, flush: true, discard: discard && !readOnly };
  const all = { ...declared, "write-zeroes": writeZeroes && !readOnly, "block-status": blockStatus };
  return RANGED.filter((operation) => all[operation]);
}

async function refusesAll(probe: DriverProbe, ranges: readonly (readonly [number, number])[]): Promise<void> {
  for (const operation of declaredOperations(probe)) {
    for (const [offset, length] of ranges) {
      const sent = probe.submit({ operation, offset, length });
      assertCode(await probe.completion(sent), "EINVAL", sent.name);
      if (operation === "read") assertThat(sent.untouched, `${sent.name} was refused but filled the buffer`);
    }
  }
}

async function checkOutOfRange(probe: DriverProbe): Promise<void> {
  const { size, requestAlignment: unit } = probe.capabilities;
  const end = size - (size % unit);
  await refusesAll(probe, [
    [end, Math.max(unit, 1)],
    [end + unit, 0],
    [end + unit, unit],
    [Math.max(0, end - unit), 2 * unit + (end === 0 ? unit : 0)],
    [0, end + unit],
    [MAX_SAFE - (MAX_SAFE % unit), unit],
    [2 ** 53, unit],
    [2 ** 62, unit],
    [unit, MAX_SAFE - (MAX_SAFE % unit)],
  ]);
}

async function checkNoNumbers(probe: DriverProbe): Promise<void> {
  const unit = probe.capabilities.requestAlignment;
  await refusesAll(probe, [
    [NaN, unit],
    [0, NaN],
    [0.5, unit],
    [0, unit + 0.5],
    [0.5, unit - 0.5],
    [unit, Number.MIN_VALUE],
    [Number.MIN_VALUE, unit],
    [-unit, unit],
    [unit, -unit],
    [0, -1],
    [-1, 1],
    [-Infinity, unit],
    [Infinity, unit],
    [0, Infinity],
  ]);
}

async function checkMisaligned(probe: DriverProbe): Promise<void> {
  const unit = probe.capabilities.requestAlignment;
  await refusesAll(probe, [
    [1, unit],
    [unit / 2, unit],
    [unit + 1, unit],
    [0, 1],
    [0, unit + 1],
    [unit, unit / 2],
    [unit / 2, unit / 2],
  ]);
}

async function checkBufferLength(probe: DriverProbe): Promise<void> {
  const { block, capabilities } = probe;
  const lengths = [[], [0], [block - 1], [block + 1], [block, block], [block, 1], [1, block - 2]];
  for (const operation of ["read", "write"] as const) {
    if (operation === "write" && capabilities.readOnly) continue;
    for (const parts of lengths) {
      const iov = parts.map((length) => new Uint8Array(length).fill(0xa5));
      const sent = probe.submit({ operation, offset: 0, length: block, iov });
      const what = `${sent.name} with buffers of [${parts.join(", ")}] bytes`;
      assertCode(await probe.completion(sent), "EINVAL", what);
      assertThat(operation === "write" || sent.untouched, `${what} was refused but filled the buffers`);
    }
  }
}

async function checkRefusedWrite(probe: DriverProbe): Promise<void> {
  const { block, capabilities } = probe;
  const { size, requestAlignment: unit } = capabilities;
  const before = probe.bytes(2 * block);
  const end = size - (size % unit);
  const tail = Math.max(2 * block, end - block);
  await probe.write(0, before);
  const last = await probe.read(tail, end - tail);
  const scribble = new Uint8Array(block).fill(0xee);
  await probe.send({ operation: "write", offset: 0, length: block, iov: [scribble, scribble] });
  await probe.send({ operation: "write", offset: block, length: 2 * block, iov: [scribble] });
  await probe.send({ operation: "write", offset: end, length: block }, scribble);
  await probe.send({
    operation: "write",
    offset: end - unit,
    length: unit + block,
    iov: [new Uint8Array(unit + block)],
  });
  if (unit > 1) await probe.send({ operation: "write", offset: 1, length: block }, scribble);
  assertBytes(await probe.read(0, 2 * block), before, "the storage after refused writes");
  assertBytes(await probe.read(tail, end - tail), last, "the end of the storage after refused writes");
}

async function checkMaxTransfer(probe: DriverProbe): Promise<void> {
  const longest = probe.longestTransfer;
  const { requestAlignment, readOnly } = probe.capabilities;
  // The same small buffer many times over: the length counts, not the memory.
  const part = new Uint8Array(65536);
  const iovOf = (length: number): Uint8Array[] => [
    ...Array.from({ length: Math.floor(length / part.length) }, () => part),
    part.subarray(0, length % part.length),
  ];
  for (const operation of ["read", "write"] as const) {
    if (operation === "write" && readOnly) continue;
    const over = longest + requestAlignment;
    assertCode(
      await probe.send({ operation, length: over, iov: iovOf(over) }),
      "EINVAL",
      `${operation} of ${over} bytes`,
    );
    const error = await probe.send({ operation, length: longest, iov: iovOf(longest) });
    assertThat(error === null, `${operation} of ${longest} bytes failed with ${error?.code}`);
  }
}

async function checkReadOnly(probe: DriverProbe): Promise<void> {
  const { block } = probe;
  const before = await probe.read(0, block);
  for (const operation of ["write", "discard", "write-zeroes"] as const) {
    assertCode(await probe.send({ operation, length: block }), "EROFS", operation);
  }
  assertBytes(await probe.read(0, block), before, "read-only storage after refused writes");
}

async function checkUndeclared(probe: DriverProbe): Promise<string | undefined> {
  const { readOnly, discard, writeZeroes, blockStatus } = probe.capabilities;
  const missing: BlockOperation[] = [];
  if (!discard && !readOnly) missing.push("discard");
  if (!writeZeroes && !readOnly) missing.push("write-zeroes");
  if (!blockStatus) missing.push("block-status");
  for (const operation of missing) {
    assertCode(await probe.send({ operation, length: probe.block }), "ENOTSUP", operation);
  }
  return missing.length === 0 ? "every operation is declared" : undefined;
}

async function checkErrorFields(probe: DriverProbe): Promise<void> {
  const { size, requestAlignment: unit } = probe.capabilities;
  const offset = size - (size % unit) + unit;
  const error = await probe.send({ operation: "read", offset, length: unit });
  assertThat(error !== null, "a read beyond the end succeeded");
  const said = { operation: error.operation, offset: error.offset, length: error.length, errorClass: error.errorClass };
  const wanted = { operation: "read", offset, length: unit, errorClass: "invalid" };
  assertThat(
    JSON.stringify(said) === JSON.stringify(wanted),
    `the error says ${JSON.stringify(said)}, not ${JSON.stringify(wanted)}`,
  );
}
