import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { DIFFERENCES } from "../testing/differences.ts";

test("the README lists the differences from QEMU that the comparison allows, and no others", () => {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  const [, section = ""] = /## Where it differs from QEMU on purpose\n(.*?)\n## /s.exec(readme) ?? [];
  const items = section.split(/^- /m).slice(1);
  const listed = items.map((item) => item.replaceAll(/\s+/g, " ").trim());
  expect(listed).toEqual(Object.values(DIFFERENCES).map(({ reason }) => reason));
});
