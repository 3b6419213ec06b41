import { assertBytes, assertThat } from "./assertions.ts";
import {
  firstReason,
  unlessBlocks,
  unlessDeclared,
  unlessWritable,
  type ConformanceCheck,
} from "./conformance-check.ts";
import type { DriverProbe } from "./driver-probe.ts";
import type { SentRequest } from "./sent-request.ts";

const COUNT = 8;
const SCRIBBLE = 0x3c;
const NOTHING_IN_FLIGHT = "no request stayed in flight, or none could be abandoned";

/** The promise that `abandon` gives when it returns true. */
export const abandonChecks: readonly ConformanceCheck[] = [
  {
    name: "an abandoned read leaves the buffer alone and completes once",
    skipReason: firstReason(unlessDeclared("abandon"), unlessBlocks(16)),
    run: checkAbandonedRead,
  },
  {
    name: "an abandoned write does not look at the buffer again and completes once",
    skipReason: firstReason(unlessDeclared("abandon"), unlessWritable, unlessBlocks(16)),
    run: checkAbandonedWrite,
  },
];

/** Abandons what is still in flight; gives what the driver let go of. */
function abandonAll(probe: DriverProbe, sent: readonly SentRequest[]): SentRequest[] {
  return sent.filter((each) => {
    if (each.completions > 0 || probe.driver.abandon?.(each.request) !== true) return false;
    each.buffersTakenBack = true;
    for (const part of each.request.iov) part.fill(SCRIBBLE);
    return true;
  });
}

async function checkAbandonedRead(probe: DriverProbe): Promise<string | undefined> {
  const { block, capabilities } = probe;
  if (!capabilities.readOnly) await probe.write(0, probe.bytes(COUNT * block));
  const sent = Array.from({ length: COUNT }, (_, index) => {
    return probe.submit({ operation: "read", offset: index * block, length: block });
  });
  const abandoned = abandonAll(probe, sent);
  for (const each of sent) await probe.completion(each);
  await probe.settle();
  for (const each of abandoned) {
    assertThat(
      each.data().every((byte) => byte === SCRIBBLE),
      `${each.name} was abandoned but its buffer was filled`,
    );
  }
  return abandoned.length === 0 ? NOTHING_IN_FLIGHT : undefined;
}

async function checkAbandonedWrite(probe: DriverProbe): Promise<string | undefined> {
  const { block } = probe;
  const before = probe.bytes(COUNT * block);
  await probe.write(0, before);
  const payloads = Array.from({ length: COUNT }, () => probe.bytes(block));
  const sent = payloads.map((payload, index) => {
    return probe.submit({ operation: "write", offset: index * block, length: block }, payload);
  });
  const abandoned = abandonAll(probe, sent);
  const errors = [];
  for (const each of sent) errors.push(await probe.completion(each));
  const after = await readPatiently(probe, COUNT * block);
  for (const each of abandoned) {
    const { offset } = each.request;
    const index = offset / block;
    const now = after.subarray(offset, offset + block);
    const payload = payloads[index]!;
    if (errors[index] === null) assertBytes(now, payload, `${each.name}, abandoned and completed`);
    else assertMixed(now, payload, before.subarray(offset, offset + block), each.name);
  }
  return abandoned.length === 0 ? NOTHING_IN_FLIGHT : undefined;
}

/** Every byte is what was there before or what the write carried; nothing of what the buffer held later. */
function assertMixed(now: Uint8Array, payload: Uint8Array, before: Uint8Array, what: string): void {
  now.forEach((byte, index) => {
    const known = byte === payload[index] || byte === before[index];
    assertThat(known, `${what}, abandoned: byte ${index} on the storage is ${byte}, which was never to be written`);
  });
}

/** Reads the beginning of the storage; a driver may need a moment for a new connection after an abandoned request. */
async function readPatiently(probe: DriverProbe, length: number): Promise<Uint8Array> {
  for (let left = 100; ; left -= 1) {
    const sent = probe.submit({ operation: "read", length });
    const error = await probe.completion(sent);
    if (error === null) return sent.data();
    assertThat(error.errorClass === "transport" && left > 0, `${sent.name} failed with ${error.code}`);
    await probe.settle(20);
  }
}
