import { RequestFlag, type BlockExtent } from "../lib/block-request.ts";
import { assertBytes, assertSucceeded, assertThat } from "./assertions.ts";
import {
  firstReason,
  unlessBlocks,
  unlessDeclared,
  unlessWritable,
  type ConformanceCheck,
} from "./conformance-check.ts";
import type { DriverProbe } from "./driver-probe.ts";

/** The longest range that is zeroed or discarded in one request, bytes. */
const LONGEST_TRIED = 256 * 1024 * 1024;

/** discard, write-zeroes and block-status. */
export const zeroChecks: readonly ConformanceCheck[] = [
  {
    name: "discard succeeds, leaves its neighbours, and the range can be written again",
    skipReason: firstReason(unlessWritable, unlessDeclared("discard"), unlessBlocks(16)),
    run: checkDiscard,
  },
  {
    name: "write-zeroes reads back as zeroes, with every flag, and leaves its neighbours",
    skipReason: firstReason(unlessWritable, unlessDeclared("writeZeroes"), unlessBlocks(16)),
    run: checkWriteZeroes,
  },
  {
    name: "write-zeroes and discard are not bound by maxTransfer",
    skipReason: firstReason(unlessWritable, ({ capabilities: { size, maxTransfer, writeZeroes, discard } }) => {
      if (!writeZeroes && !discard) return "neither writeZeroes nor discard is declared";
      if (maxTransfer >= LONGEST_TRIED) return `maxTransfer is not under ${LONGEST_TRIED} bytes`;
      return size > maxTransfer + 65536 ? null : "the storage is smaller than maxTransfer";
    }),
    run: checkLongZeroes,
  },
  {
    name: "block-status extents have lengths, begin within the request and end within the storage",
    skipReason: firstReason(unlessDeclared("blockStatus"), unlessBlocks(16)),
    run: checkStatusShape,
  },
  {
    name: "block-status with REQ_ONE answers one extent within the request",
    skipReason: firstReason(unlessDeclared("blockStatus"), unlessBlocks(16)),
    run: checkStatusReqOne,
  },
  {
    name: "block-status extents that are zero read as zeroes",
    skipReason: firstReason(unlessDeclared("blockStatus"), unlessBlocks(16)),
    run: checkStatusZero,
  },
];

async function checkDiscard(probe: DriverProbe): Promise<void> {
  const { block } = probe;
  const unit = probe.capabilities.requestAlignment;
  for (const [offset, length] of [
    [4 * block, 4 * block],
    [block + unit, 9 * block],
    [2 * block - unit, unit],
  ] as const) {
    const data = probe.bytes(16 * block);
    await probe.write(0, data);
    await probe.perform("discard", offset, length);
    await checkAround(probe, data, offset, length, "a discard");
    const again = probe.bytes(length);
    await probe.write(offset, again);
    assertBytes(await probe.read(offset, length), again, "a discarded range that was written again");
  }
  if (probe.capabilities.fua) await probe.perform("discard", 0, block, RequestFlag.FUA);
}

async function checkAround(
  probe: DriverProbe,
  data: Uint8Array,
  offset: number,
  length: number,
  what: string,
): Promise<void> {
  const end = offset + length;
  assertBytes(await probe.read(0, offset), data.subarray(0, offset), `the bytes before ${what}`);
  assertBytes(await probe.read(end, data.length - end), data.subarray(end), `the bytes after ${what}`);
}

async function checkWriteZeroes(probe: DriverProbe): Promise<void> {
  const { block } = probe;
  const { fua, fastZero, requestAlignment: unit } = probe.capabilities;
  const { FUA, MAY_UNMAP, NO_FALLBACK } = RequestFlag;
  const every = [0, MAY_UNMAP, FUA, FUA | MAY_UNMAP, NO_FALLBACK, NO_FALLBACK | MAY_UNMAP | FUA];
  const usable = every.filter((flags) => (fua || !(flags & FUA)) && (fastZero || !(flags & NO_FALLBACK)));
  for (const flags of usable) {
    for (const [offset, length] of [
      [4 * block, 8 * block],
      [3 * block + unit, 7 * block],
      [0, 16 * block],
    ] as const) {
      const data = probe.bytes(16 * block);
      await probe.write(0, data);
      const sent = probe.submit({ operation: "write-zeroes", offset, length, flags });
      const error = await probe.completion(sent);
      const refused = error?.code === "ENOTSUP" && (flags & NO_FALLBACK) !== 0;
      if (!refused) assertSucceeded(error, `${sent.name} with flags ${flags}`);
      const expected = refused ? data.subarray(offset, offset + length) : new Uint8Array(length);
      assertBytes(await probe.read(offset, length), expected, `the range of ${sent.name} with flags ${flags}`);
      await checkAround(probe, data, offset, length, sent.name);
    }
  }
}

async function checkLongZeroes(probe: DriverProbe): Promise<void> {
  const { maxTransfer, requestAlignment: unit, writeZeroes, discard } = probe.capabilities;
  const length = maxTransfer - (maxTransfer % unit) + unit;
  const data = probe.bytes(unit);
  if (discard) await probe.perform("discard", 0, length);
  if (!writeZeroes) return;
  await probe.write(0, data);
  await probe.write(length - unit, data);
  await probe.write(length, data);
  await probe.perform("write-zeroes", 0, length, RequestFlag.MAY_UNMAP);
  assertBytes(await probe.read(0, unit), new Uint8Array(unit), "the beginning of long write-zeroes");
  assertBytes(await probe.read(length - unit, unit), new Uint8Array(unit), "the end of long write-zeroes");
  assertBytes(await probe.read(length, unit), data, "what follows long write-zeroes");
}

/** Makes data, zeroes and holes, as far as the driver can, so that there is something to tell apart. */
async function mixContent(probe: DriverProbe): Promise<void> {
  const { discard, writeZeroes, readOnly } = probe.capabilities;
  if (readOnly) return;
  const { span, block } = probe;
  await probe.write(0, probe.bytes(span));
  const at = (sixteenths: number): number => Math.floor((span * sixteenths) / 16 / block) * block;
  if (writeZeroes) await probe.perform("write-zeroes", at(2), at(3), RequestFlag.MAY_UNMAP);
  if (writeZeroes) await probe.perform("write-zeroes", at(6), at(1));
  if (discard) await probe.perform("discard", at(9), at(3));
  await probe.write(at(14), new Uint8Array(at(1)));
}

/** The rules for every answer; gives the bytes that it covers. */
function requireExtents(probe: DriverProbe, offset: number, length: number, extents: readonly BlockExtent[]): number {
  const what = `block-status of ${length} bytes at ${offset}`;
  let covered = 0;
  assertThat(extents.length > 0, `${what} was answered with no extent`);
  for (const extent of extents) {
    const said = JSON.stringify(extent);
    assertThat(Number.isSafeInteger(extent.length) && extent.length > 0, `${what} gave the extent ${said}`);
    assertThat(typeof extent.hole === "boolean" && typeof extent.zero === "boolean", `${what} gave the extent ${said}`);
    assertThat(covered < length, `${what} gave an extent that begins after the request`);
    covered += extent.length;
  }
  assertThat(offset + covered <= probe.capabilities.size, `${what} reaches beyond the end of the storage`);
  return covered;
}

async function checkStatusShape(probe: DriverProbe): Promise<void> {
  await mixContent(probe);
  const { span, block, capabilities } = probe;
  const { size, requestAlignment: unit } = capabilities;
  const end = size - (size % unit);
  for (const [offset, length] of [
    [0, span],
    [0, end],
    [0, unit],
    [end - unit, unit],
    [block + unit, 5 * block],
    [Math.floor(span / 4 / unit) * unit, Math.floor(span / 2 / unit) * unit],
  ] as const) {
    requireExtents(probe, offset, length, await probe.status(offset, length));
  }
}

async function checkStatusReqOne(probe: DriverProbe): Promise<void> {
  await mixContent(probe);
  const unit = probe.capabilities.requestAlignment;
  for (let count = 0; count < 16; count += 1) {
    const offset = probe.below(probe.span / unit) * unit;
    const length = unit * (1 + probe.below((probe.span - offset) / unit));
    const extents = await probe.status(offset, length, true);
    const covered = requireExtents(probe, offset, length, extents);
    const what = `block-status of ${length} bytes at ${offset} with REQ_ONE`;
    assertThat(extents.length === 1, `${what} was answered with ${extents.length} extents`);
    assertThat(covered <= length, `${what} was answered with ${covered} bytes`);
  }
}

async function checkStatusZero(probe: DriverProbe): Promise<void> {
  await mixContent(probe);
  const { span } = probe;
  for (let offset = 0; offset < span;) {
    const extents = await probe.status(offset, span - offset);
    const covered = requireExtents(probe, offset, span - offset, extents);
    let at = offset;
    for (const extent of extents) {
      const length = Math.min(extent.length, span - at);
      const what = `an extent that is zero, ${length} bytes at ${at}`;
      if (extent.zero) assertBytes(await probe.read(at, length), new Uint8Array(length), what);
      at += length;
    }
    offset += covered;
  }
}
