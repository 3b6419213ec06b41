import { expect, test } from "vitest";
import { heldNames } from "./held-names.ts";
import { blockdevOption } from "./option-table.ts";

function held(...lines: string[]): string[] {
  return [...heldNames(lines.map((line) => blockdevOption.parseValue(line)))].toSorted();
}

test("what a rehandle node stands on is held, by name, through other nodes, and inside of inline ones", () => {
  const disk = "null-co,node-name=disk";
  expect(held(disk, "rehandle,node-name=r,file=disk")).toEqual(["disk"]);
  expect(held(disk, "raw,node-name=part,file=disk", "rehandle,node-name=r,file=part")).toEqual(["disk", "part"]);
  expect(held(disk, "rehandle,node-name=r,file.driver=raw,file.file=disk")).toEqual(["disk"]);
  expect(held(disk, "raw,node-name=part,file=disk")).toEqual([]);
  expect(held(disk, "raw,node-name=p,file.driver=rehandle,file.file=disk")).toEqual(["disk"]);
});
