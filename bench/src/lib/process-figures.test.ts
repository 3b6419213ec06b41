import { expect, test } from "vitest";
import { cpuTime, memoryOf, parseCpuTime, parseMemory } from "./process-figures.ts";

test("processor time is utime and stime, whatever the program is called", () => {
  expect(parseCpuTime("42 (a) b (c)) S 1 42 42 0 -1 4194560 100 0 0 0 250 50 7 9 20 0 11 0")).toBe(3_000_000);
});

test("memory in bytes", () => {
  const status = "Name:\tnode\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\nRssAnon:\t     512 kB\nRssFile:\t 512 kB\n";
  expect(parseMemory(status)).toEqual({ peak: 2_097_152, resident: 1_048_576, anonymous: 524_288 });
});

test.skipIf(process.platform !== "linux")("this process has both", () => {
  expect(cpuTime(process.pid)).toBeGreaterThan(0);
  const memory = memoryOf(process.pid);
  expect(memory.anonymous).toBeGreaterThan(1_000_000);
  expect(memory.peak).toBeGreaterThanOrEqual(memory.anonymous);
});
