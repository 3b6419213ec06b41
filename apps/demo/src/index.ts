export { UsageError } from "./lib/demo-options.ts";
export { count, duration, plural } from "./lib/figures.ts";
export { HangLog, type HangEvent } from "./lib/hang-log.ts";
export type { Line } from "./lib/line.ts";
export type { Sample } from "./lib/sample.ts";
export { Sampler, type Reading } from "./lib/sampler.ts";
export { createScreen, type Screen } from "./lib/screen.ts";
export { renderTable } from "./lib/table.ts";
