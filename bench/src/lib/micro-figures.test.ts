import { expect, test } from "vitest";
import { engineMeasures, parseMicroFigures } from "./micro-figures.ts";

test("a name in front of its figures; other lines are notes", () => {
  const output = "200 requests, 32 in flight\nI/O hang on, 4k read      286.9 ns    0.74 bytes of heap\na walk  3 ns\n";
  expect(parseMicroFigures("core/engine-cost", output)).toEqual([
    { name: "core/engine-cost: I/O hang on, 4k read", unit: "ns", value: 286.9 },
    { name: "core/engine-cost: I/O hang on, 4k read", unit: "bytes of heap", value: 0.74 },
    { name: "core/engine-cost: a walk", unit: "ns", value: 3 },
  ]);
});

test.for(["", "nothing to see", "  286.9 ns  a name behind", "a walk 3 µs", "a walk 3 ns per walk"])(
  "what prints %j measured nothing",
  (output) => {
    expect(() => parseMicroFigures("x", output)).toThrow("x printed no figures");
  },
);

test("what the engine adds is the difference to the driver alone, where it is greater", () => {
  const output = [
    "bare driver, 4k read 80.5 ns 5 bytes of heap",
    "I/O hang on, 4k read 180.5 ns 6.5 bytes of heap",
    "bare driver, 4k write 80 ns 5 bytes of heap",
    "I/O hang on, 4k write 200 ns 5 bytes of heap",
  ];
  const all = parseMicroFigures("core/engine-cost", output.join("\n"));
  expect(engineMeasures(all)).toEqual({
    "micro engine, ns added by I/O hang": { value: 120, low: 120, high: 120 },
    "micro engine, bytes of heap added by I/O hang": { value: 1.5, low: 1.5, high: 1.5 },
  });
  expect(engineMeasures(all.slice(0, 4))).toEqual({});
});
