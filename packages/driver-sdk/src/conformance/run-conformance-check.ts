import { abandonChecks } from "./abandon-checks.ts";
import type { ConformanceCheck } from "./conformance-check.ts";
import type { ConformanceSetup } from "./conformance-setup.ts";
import { dataChecks } from "./data-checks.ts";
import { DriverProbe } from "./driver-probe.ts";
import { durabilityChecks } from "./durability-checks.ts";
import { lifeChecks } from "./life-checks.ts";
import { loadChecks } from "./load-checks.ts";
import { refusalChecks } from "./refusal-checks.ts";
import { resizeChecks } from "./resize-checks.ts";
import { zeroChecks } from "./zero-checks.ts";

/** Every check of the contract, as data: `describeDriverConformance` makes one test of each. */
export const conformanceChecks: readonly ConformanceCheck[] = [
  ...lifeChecks,
  ...refusalChecks,
  ...dataChecks,
  ...zeroChecks,
  ...resizeChecks,
  ...abandonChecks,
  ...loadChecks,
  ...durabilityChecks,
];

/**
 * Runs one check on a fresh subject, without a test runner.
 * @returns null if the rule holds; a reason if the check was skipped. Rejects if the rule does not hold.
 */
export async function runConformanceCheck(check: ConformanceCheck, setup: ConformanceSetup): Promise<string | null> {
  const subject = await setup.create();
  const probe = new DriverProbe(setup, subject);
  try {
    const skipped = await runOn(probe, check);
    await probe.finish();
    return skipped;
  } catch (thrown) {
    // The driver is let go of as well as it can be; what the check found comes first.
    const more = await probe.finish().then(
      () => "",
      (also: unknown) => `\n${messageOf(also)}`,
    );
    throw new Error(`${messageOf(thrown)}${more}`, { cause: thrown });
  } finally {
    await subject.cleanup?.();
  }
}

async function runOn(probe: DriverProbe, check: ConformanceCheck): Promise<string | null> {
  if (check.unopened !== true) {
    await probe.open();
    const reason = check.skipReason?.(probe.facts) ?? null;
    if (reason !== null) return reason;
  }
  return (await check.run(probe)) ?? null;
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
