import { afterAll, describe, expect, it } from "vitest";
import type { ConformanceSetup } from "./conformance-setup.ts";
import { conformanceChecks, runConformanceCheck } from "./run-conformance-check.ts";

/** The test output, which every host of vitest has; declared here so that neither the DOM's nor Node's types are needed. */
interface Host {
  console: { log(line: string): void };
}

/**
 * Tests a driver against the whole contract; one test for each rule. What the driver does not declare is skipped, and the
 * test output says what and why.
 *
 * ```ts no-run
 * import { describeDriverConformance } from "@rehandle/driver-sdk/conformance";
 *
 * describeDriverConformance("driver-example", {
 *   create: () => ({ driver: createExampleDriver({ size: 1024 * 1024 }) }),
 * });
 * ```
 */
export function describeDriverConformance(name: string, setup: ConformanceSetup): void {
  const seed = setup.seed ?? 1;
  const skipped: string[] = [];
  describe(`${name}: driver conformance (seed ${seed})`, () => {
    // The probe has its own bound for every step.
    it.for(conformanceChecks)("$name", { timeout: 0 }, async (check, context) => {
      const reason = await runConformanceCheck(check, setup);
      if (reason !== null) {
        skipped.push(`${check.name} (${reason})`);
        context.skip(reason);
      }
      expect(reason).toBeNull();
    });
    afterAll(() => {
      if (skipped.length === 0) return;
      const all = `${skipped.length} of ${conformanceChecks.length} conformance checks skipped`;
      (globalThis as unknown as Host).console.log([`${name}: ${all}:`, ...skipped].join("\n  - "));
    });
  });
}
