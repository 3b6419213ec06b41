import { describe, expect, test } from "vitest";
import { SAMPLE_SCHEMA } from "../testing/sample-schema.ts";
import { readArgumentTree } from "./argument-tree.ts";
import { formatHelp, formatTopic } from "./help.ts";
import { createPalette } from "./palette.ts";
import { readCommandNames, readIntrospection } from "./read-introspection.ts";

const plain = createPalette(false);

function topic(name: string, ...words: string[]): string[] {
  return formatTopic(SAMPLE_SCHEMA, name, readArgumentTree(words), plain).split("\n");
}

describe("help", () => {
  test("of a command has its arguments, which are optional or deprecated, and what it returns", () => {
    expect(topic("do-it")).toEqual([
      "do-it (unstable)",
      "  id         string",
      "  size       int, optional",
      "  ratio      number, optional",
      "  force      bool, optional",
      "  addr       object, optional",
      "  addr.type  unix|inet, its value decides on more",
      "  peers      [object], optional",
      "  tags       [string], optional",
      "  node       string or object or null, optional",
      "  mode       bool or int or unix|inet, optional",
      "  extra      any, optional",
      "  old        string, optional, deprecated",
      "returns nothing",
    ]);
    expect(topic("do-nothing")).toEqual([
      "do-nothing (may be sent by exec-oob)",
      "  it takes no arguments",
      "returns [string]",
    ]);
  });

  test("follows what is given", () => {
    expect(topic("do-it", "addr.type=inet", "node.type=unix")).toEqual(
      expect.arrayContaining(["  addr.host  string", "  addr.port  int, optional", "  node.path  string"]),
    );
  });

  test("of an event has its data; of anything else it says so", () => {
    expect(topic("IT_IS_DONE")).toEqual(["IT_IS_DONE (event)", "  host  string", "  port  int, optional"]);
    expect(() => topic("done")).toThrow("The command done has not been found");
  });

  test("lists the peer's commands in columns", () => {
    const lines = formatHelp(readCommandNames([{ name: "b" }, { name: "a" }, { name: "ccccc" }]), plain, 20).split(
      "\n",
    );
    expect(lines.slice(-3)).toEqual(["3 commands of the peer:", "  a      ccccc", "  b"]);
  });

  test("of a schema that runs in circles ends", () => {
    const schema = readIntrospection([
      {
        "meta-type": "object",
        name: "0",
        members: [
          { name: "a", type: "0" },
          { name: "b", type: "[0]" },
        ],
      },
      { "meta-type": "array", name: "[0]", "element-type": "[0]" },
      { "meta-type": "command", name: "turn", "arg-type": "0", "ret-type": "[0]" },
      { "meta-type": "command", name: "lost", "arg-type": "9", "ret-type": "9" },
    ]);
    expect(formatTopic(schema, "turn", new Map(), plain).split("\n").length).toBeLessThan(10);
    expect(formatTopic(schema, "lost", new Map(), plain)).toContain("lost");
  });
});
