import { RequestFlag, type BlockOperation } from "../lib/block-request.ts";
import { defineCapabilities } from "../lib/capabilities.ts";
import { assertThat, assertCode, fail, rejectionOf } from "./assertions.ts";
import { unlessBlocks, type ConformanceCheck } from "./conformance-check.ts";
import type { DriverProbe } from "./driver-probe.ts";

const OPERATIONS: readonly BlockOperation[] = ["read", "write", "flush", "discard", "write-zeroes", "block-status"];

/** Open, close, and what must hold before and after. */
export const lifeChecks: readonly ConformanceCheck[] = [
  {
    name: "capabilities throw EBADF before open",
    unopened: true,
    run: async (probe) => {
      const reading = Promise.resolve().then(() => probe.driver.capabilities);
      assertCode(await rejectionOf(reading, "reading capabilities"), "EBADF", "reading capabilities");
    },
  },
  {
    name: "open resolves with the capabilities, which are in range and fit the methods",
    unopened: true,
    run: checkOpen,
  },
  { name: "open with an aborted signal rejects with ECANCELED or was quicker", unopened: true, run: checkAbortedOpen },
  {
    name: "requests before open complete with an error",
    unopened: true,
    run: (probe) => everyOperationFails(probe, "before open"),
  },
  {
    name: "requests after close complete with an error",
    run: async (probe) => {
      await probe.close();
      await everyOperationFails(probe, "after close");
    },
  },
  { name: "close without open resolves", unopened: true, run: (probe) => probe.close() },
  {
    name: "close resolves when called twice, at once and later",
    run: async (probe) => {
      await Promise.all([probe.close(), probe.close()]);
      await probe.close();
    },
  },
  { name: "close completes every request in flight", skipReason: unlessBlocks(16), run: checkCloseInFlight },
  {
    name: "reconnectNow is harmless while connected",
    run: async (probe) => {
      if (probe.driver.reconnectNow === undefined) return "the driver has no reconnectNow";
      probe.driver.reconnectNow();
      await probe.perform("flush");
      assertThat(probe.events.length === 0, `it sent the event ${probe.events[0]?.type}`);
      return undefined;
    },
  },
];

async function checkOpen(probe: DriverProbe): Promise<void> {
  const resolved = await probe.open();
  const now = probe.capabilities;
  for (const name of Object.keys({ ...resolved, ...now }) as (keyof typeof now)[]) {
    assertThat(
      resolved[name] === now[name],
      `open resolved with ${name} ${resolved[name]}, the driver has ${now[name]}`,
    );
  }
  // Throws for numbers that are out of range.
  for (const name of Object.keys(defineCapabilities(now)) as (keyof typeof now)[]) {
    assertThat(now[name] !== undefined, `${name} is missing`);
  }
  assertThat(now.resize === (probe.driver.resize !== undefined), "resize must be declared iff the method is present");
  if (now.abandon) assertThat(probe.driver.abandon !== undefined, "abandon is declared but there is no such method");
  if (now.fastZero) assertThat(now.writeZeroes, "fastZero is declared without writeZeroes");
  assertThat(probe.driver.driverName.length > 0, "driverName is empty");
}

async function checkAbortedOpen(probe: DriverProbe): Promise<void> {
  const signal = { aborted: true, addEventListener: () => {}, removeEventListener: () => {} };
  try {
    await probe.open({ signal });
  } catch (thrown) {
    assertCode(await rejectionOf(Promise.reject(thrown), "open"), "ECANCELED", "open");
  }
}

async function everyOperationFails(probe: DriverProbe, when: string): Promise<void> {
  for (const operation of OPERATIONS) {
    const length = operation === "flush" ? 0 : 512;
    const error = await probe.send({ operation, length });
    if (error === null) fail(`${operation} ${when} succeeded`);
  }
}

async function checkCloseInFlight(probe: DriverProbe): Promise<void> {
  const { block, capabilities } = probe;
  const sent = Array.from({ length: 16 }, (_, index) => {
    const write = index % 2 === 1 && !capabilities.readOnly;
    const range = { offset: index * block, length: block };
    if (!write) return probe.submit({ operation: "read", ...range });
    const flags = capabilities.fua && index % 4 === 1 ? RequestFlag.FUA : 0;
    return probe.submit({ operation: "write", ...range, flags }, probe.bytes(block));
  });
  sent.push(probe.submit({ operation: "flush" }));
  await probe.close();
  for (const { completions, name } of sent) {
    assertThat(completions > 0, `${name} was not completed when close resolved`);
  }
}
