import { ArrayDriver } from "../testing/array-driver.ts";
import { describeDriverConformance, type ConformanceSubject } from "../conformance/index.ts";
import { createFaultDriver } from "./create-fault-driver.ts";
import type { FaultDriverOptions } from "./fault-driver-options.ts";

function subjectOf(options: FaultDriverOptions, slow = false): ConformanceSubject {
  const bytes = new Uint8Array(1024 * 1024);
  const driver = () => createFaultDriver(new ArrayDriver(bytes, slow), options);
  return { driver: driver(), reopen: driver };
}

describeDriverConformance("faults, none", { create: () => subjectOf({}) });

describeDriverConformance("faults, none, over a slow driver, with a volatile cache", {
  create: () => subjectOf({ volatileCache: true }, true),
  operations: 100,
  span: 128 * 1024,
});

describeDriverConformance("faults, latency alone", {
  create: () => subjectOf({ latency: [0, 3] }),
  operations: 100,
  span: 128 * 1024,
});

describeDriverConformance("faults, latency and a small volatile cache, abandon cancels", {
  create: () => subjectOf({ latency: 1, volatileCache: 40_000, abandon: "cancel" }),
  operations: 100,
  span: 128 * 1024,
});

describeDriverConformance("faults, not reporting its connection, no abandon", {
  create: () => subjectOf({ reportsConnection: false, abandon: "refuse" }),
  span: 128 * 1024,
});
