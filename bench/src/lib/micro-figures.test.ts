import { expect, test } from "vitest";
import { engineMeasures, parseMicroFigures } from "./micro-figures.ts";

test("a name in front of its figures", () => {
  const output = "200 requests, 32 in flight\nI/O hang on, 4k read      286.9 ns    0.74 bytes of heap\n";
  expect(parseMicroFigures("core/engine", output)).toEqual([
    { name: "core/engine: 200 requests, 32 in flight: I/O hang on, 4k read", unit: "ns", value: 286.9 },
    { name: "core/engine: 200 requests, 32 in flight: I/O hang on, 4k read", unit: "bytes of heap", value: 0.74 },
  ]);
});

test("a name behind numbers; the one with the unit counts", () => {
  const output = "Bookkeeping\n    10.6     13.9 ns  pooled request, callback\n\n  7 ns  after an empty line";
  expect(parseMicroFigures("sdk/requests", output)).toEqual([
    { name: "sdk/requests: Bookkeeping: pooled request, callback", unit: "ns", value: 13.9 },
    { name: "sdk/requests: after an empty line", unit: "ns", value: 7 },
  ]);
});

test("several figures in a sentence, and numbers that are none", () => {
  const output =
    "cache off: 261 us of CPU per run (2611 ns per request), 229 runs\n  plain  4.3 µs wall (× 1.00)  6.2 µs CPU";
  expect(parseMicroFigures("x", output).map(({ name, unit, value }) => [name, unit, value])).toEqual([
    ["x: cache off", "µs of CPU", 261],
    ["x: cache off", "ns", 2611],
    ["x: plain", "µs wall", 4.3],
    ["x: plain", "µs CPU", 6.2],
  ]);
});

test("what the engine adds is the difference to the driver alone", () => {
  const output = "bare driver, 4k read 80.5 ns 5 bytes of heap\nI/O hang on, 4k read 180.5 ns 6.5 bytes of heap";
  expect(engineMeasures(parseMicroFigures("core/engine-cost", output))).toEqual({
    "micro engine, ns added by I/O hang": 100,
    "micro engine, bytes of heap added by I/O hang": 1.5,
  });
  expect(engineMeasures([])).toEqual({});
});
