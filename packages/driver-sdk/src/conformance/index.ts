export type { ConformanceCheck, SubjectFacts } from "./conformance-check.ts";
export type { ConformanceSetup, ConformanceSubject } from "./conformance-setup.ts";
export { describeDriverConformance } from "./describe-driver-conformance.ts";
export type { DriverProbe } from "./driver-probe.ts";
export { conformanceChecks, runConformanceCheck } from "./run-conformance-check.ts";
export type { SentRequest } from "./sent-request.ts";
