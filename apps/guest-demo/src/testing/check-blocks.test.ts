import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

import { GuestAgent } from "../lib/guest-agent.ts";
import { GuestLoad } from "../lib/guest-load.ts";
import { wrongBlocks } from "./check-blocks.ts";
import { clock } from "./in-sandbox.ts";

const PLAN = { seed: "s", workers: 2, blocks: 3 };
let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "rehandle-blocks-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A load of which the guest said this. */
function loadThatSaid(...lines: string[]): GuestLoad {
  const agent = new GuestAgent(clock, () => undefined);
  const load = new GuestLoad(clock, agent, "blocks");
  agent.receive(lines.map((line) => `out 1 ${line}\n`).join(""));
  return load;
}

/** A disk of which each block is what one worker wrote at one count, or zeroes. */
function disk(blocks: readonly (string | null)[]): string {
  const file = join(folder, "disk");
  const bytes = blocks.map((text) => Buffer.alloc(4096, text === null ? "\0" : `rehandle ${text}`.padEnd(63) + "\n"));
  writeFileSync(file, Buffer.concat(bytes));
  return file;
}

test("what was completed last must be in every block", () => {
  const load = loadThatSaid("w0 ops=4 errors=0 bad=0 longest=1", "w1 ops=1 errors=0 bad=0 longest=1");
  expect(wrongBlocks(disk(["s w0 3", "s w0 1", "s w0 2", "s w1 0", null, null]), PLAN, load)).toEqual([]);
});

test("an old, a torn, a foreign and a missing block are told", () => {
  const load = loadThatSaid("w0 ops=4 errors=0 bad=0 longest=1", "w1 ops=3 errors=0 bad=0 longest=1");
  const torn = `${"s w0 1".padEnd(54)}\nrehandle s w0 4`;
  const wrong = wrongBlocks(disk(["s w0 0", torn, "s w0 2", "t w1 0", null, "s w1 2"]), PLAN, load);
  expect(wrong.map((text) => text.split(":")[0])).toEqual(["w0 1", "w0 3", "w1 0", "w1 1"]);
});
