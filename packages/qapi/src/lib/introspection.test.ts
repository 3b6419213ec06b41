import { describe, expect, test } from "vitest";
import { compareIntrospection, type Entry } from "../testing/compare-introspection.ts";
import { askQemu, hasQemu } from "../testing/qemu-monitor.ts";
import { readResult } from "./check-arguments.ts";
import { checkValue } from "./check-value.ts";
import { rehandleIntrospection } from "./generated/introspection.ts";
import { rehandleSchema } from "./generated/schema.ts";
import { SchemaInfo } from "./generated/types.ts";
import { pruneIntrospection } from "./prune-introspection.ts";

/** What we have just as QEMU has it. */
const SAME = [
  "qmp_capabilities",
  "query-version",
  "query-commands",
  "query-qmp-schema",
  "quit",
  "block_resize",
  "blockdev-del",
  "block-export-del",
  "nbd-server-add",
  "nbd-server-remove",
  "nbd-server-stop",
  "object-del",
  "BLOCK_EXPORT_DELETED",
  "BLOCK_IO_ERROR",
  "SHUTDOWN",
];

/** What we have in part. */
const LESS = [
  "query-block",
  "query-block-exports",
  "query-named-block-nodes",
  "blockdev-add",
  "block-export-add",
  "nbd-server-start",
  "object-add",
];

/** What we have and QEMU has not: drivers, and options of NBD nodes. */
const MORE = /\[(?:memory|rehandle|connections|identity-offset|identity-length)\]: undefined there, /;

const entriesOf = (value: unknown): Entry[] => value as Entry[];
const ours = entriesOf(JSON.parse(JSON.stringify(rehandleIntrospection)));

describe.runIf(hasQemu())("compared with QEMU", { timeout: 60_000 }, () => {
  const [schema, version, commands] = askQemu(["query-qmp-schema", "query-version", "query-commands"]);

  test("QEMU's answers are what the generated checks take, without exception", () => {
    const entries = entriesOf(schema).map((entry) => checkValue(SchemaInfo, entry));
    expect(entries.length).toBeGreaterThan(1000);
    expect(readResult(rehandleSchema, "query-version", version).qemu.major).toBeGreaterThanOrEqual(7);
    expect(readResult(rehandleSchema, "query-commands", commands).length).toBeGreaterThan(200);
  });

  test("what we have of QEMU's is the same", () => {
    expect(compareIntrospection(entriesOf(schema), ours, SAME)).toEqual([]);
  });

  test("what we have less of is only missing, but for what we have more of", () => {
    const differences = compareIntrospection(entriesOf(schema), ours, LESS);
    expect(differences.filter((text) => !text.endsWith(" there, undefined here") && !MORE.test(text))).toEqual([]);
    expect(differences.some((text) => text.includes("members[tray_open]"))).toBe(true);
  });
});

test("the comparison sees what is different", () => {
  const change = (from: string, to: string): string[] =>
    compareIntrospection(ours, entriesOf(JSON.parse(JSON.stringify(ours).replace(from, to))), [...SAME, "query-block"]);
  expect(change("", "")).toEqual([]);
  expect(change('"host-signal"', '"signal"')).not.toEqual([]);
  expect(change('"allow-oob":true', '"allow-oob":false')).toEqual([]);
  expect(change('"name":"writeback","type":"bool"', '"name":"writeback","type":"int"')).not.toEqual([]);
  expect(change('"default":null', '"features":["x"]')).not.toEqual([]);
});

test("commands that are not there are not told of, nor types that they alone use", () => {
  const few = pruneIntrospection(rehandleIntrospection, (name) => name === "query-version");
  const names = few.map(({ name }) => name);
  expect(few.filter((entry) => entry["meta-type"] === "command")).toHaveLength(1);
  expect(names).toContain("BLOCK_IO_HANG");
  expect(few.some((entry) => "members" in entry && JSON.stringify(entry).includes("micro"))).toBe(true);
  expect(few.some((entry) => JSON.stringify(entry).includes("backing_file_depth"))).toBe(false);
  const all = pruneIntrospection(rehandleIntrospection, () => true);
  expect(new Set(all)).toEqual(new Set(rehandleIntrospection));
});
