import { existsSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test, vi } from "vitest";
import { haveAll } from "../testing/programs.ts";
import { parseBenchOptions } from "./bench-options.ts";
import type { Report } from "./report.ts";
import { plan, runBench } from "./run-bench.ts";
import { Workshop } from "./workshop.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url)).replace(/\/$/, "");
const hasPeers = haveAll("nbdkit", "fio");
const workshop = new Workshop(tmpdir());
afterAll(() => workshop.close());

test("a plan names what would be measured", () => {
  expect(plan(parseBenchOptions(["--only", "^file/4k-randread-d|scale"]))).toEqual([
    "file/4k-randread-d1",
    "file/4k-randread-d32",
    "scale",
  ]);
  expect(plan(parseBenchOptions(["micro", "--only", "nothing"]))).toEqual(["micro"]);
});

test.skipIf(!hasPeers)("a whole run has figures of ours and of a peer, and writes them down", async () => {
  vi.stubEnv("BENCH_NODE_OPTIONS", "--conditions=@rehandle/source");
  vi.spyOn(console, "log").mockReturnValue();
  const out = join(workshop.folder, "results");
  const short = ["--rounds", "1", "--seconds", "0.2", "--size", "16", "--out", out];
  const daemon = ["--daemon", join(root, "apps/storage-daemon/src/main.ts")];
  const wanted = ["--only", "^file/4k-randread-d32$", "--peers", "^nbdkit-file$"];
  expect(await runBench(workshop, root, parseBenchOptions([...wanted, ...short, ...daemon]))).toBe(true);

  const report = JSON.parse(readFileSync(join(out, "results.json"), "utf8")) as Report;
  const [result] = report.cases;
  expect(result?.subjects.map(({ id, problem }) => [id, problem])).toEqual([
    ["ours", undefined],
    ["nbdkit-file", undefined],
  ]);
  expect(report.measures["file/4k-randread-d32 rate ours/nbdkit-file"]?.value).toBeGreaterThan(0);
  const judged = report.verdicts.filter(({ outcome }) => outcome !== "not measured");
  expect(judged.map(({ measure }) => measure)).toContain("file/4k-randread-d32 rate ours/nbdkit-file");
  expect(existsSync(join(out, "file.svg"))).toBe(true);
  const page = readFileSync(join(out, "README.md"), "utf8");
  expect(page).toContain("Settings: 1 rounds, clients of 0.2 s, a disk of 16 MiB");
  expect(page).toContain("(file.svg)");
  expect(page).toMatch(/^\| nbdkit file \|/m);
});
