import { describe, expect, test } from "vitest";
import { SAMPLE_SCHEMA } from "../testing/sample-schema.ts";
import { completeLine, type NameLookup } from "./completion.ts";
import { readIntrospection } from "./read-introspection.ts";

const lookup: NameLookup = (kind) => Promise.resolve(kind === "node" ? ["disk0", "disk1"] : ["export0"]);

describe("the end of a line", () => {
  test.for([
    ["do", ["do-it ", "do-nothing "]],
    ["exec-oob do-n", ["do-nothing "]],
    ["rec", ["reconnect "]],
    ["info ", ["block ", "nodes ", "exports ", "rehandle "]],
    ["events o", ["on ", "off "]],
    ["help IT", ["IT_IS_DONE "]],
    ["do-it i", ["id="]],
    ["do-it id=x si", ["size="]],
    ["do-it id=x i", []],
    ["do-it a", ["addr."]],
    ["do-it o", ["old="]],
    ["do-it addr.", ["addr.type="]],
    ["do-it addr.type=inet addr.", ["addr.host=", "addr.port="]],
    ["do-it addr.type=u", ["unix "]],
    ["do-it force=", ["on ", "off "]],
    ["do-it mode=", ["on ", "off ", "unix ", "inet "]],
    ["do-it peers.", ["peers.0."]],
    ["do-it peers.0.type=unix peers.0.", ["peers.0.path="]],
    ["do-it peers.0.type=unix peers.", ["peers.1."]],
    ["do-it no", ["node=", "node."]],
    ["do-it node=d", ["disk0 ", "disk1 "]],
    ["help do-it addr.type=unix addr.", ["addr.path="]],
    ["block-export-del id=", ["export0 "]],
    ["unheard-of a", []],
    ['{"execute": "do', []],
    ["do-it addr={", []],
  ] as const)("%s", async ([line, candidates]) => {
    const found = await completeLine(line, SAMPLE_SCHEMA, lookup);
    expect(found.candidates).toEqual(candidates);
    expect(line.endsWith(found.replaced)).toBe(true);
  });

  test("begins with what must be given, and leaves out what is deprecated", async () => {
    const { candidates } = await completeLine("do-it ", SAMPLE_SCHEMA, lookup);
    expect(candidates[0]).toBe("id=");
    expect(candidates).not.toContain("old=");
  });

  test("comes also of a schema that runs in circles", async () => {
    const schema = readIntrospection([
      {
        "meta-type": "object",
        name: "0",
        members: [
          { name: "a", type: "1" },
          { name: "b", type: "[2]" },
        ],
      },
      { "meta-type": "alternate", name: "1", members: [{ type: "1" }, { type: "[2]" }] },
      { "meta-type": "array", name: "[2]", "element-type": "[2]" },
      { "meta-type": "command", name: "turn", "arg-type": "0", "ret-type": "[2]" },
    ]);
    const candidates = async (line: string): Promise<unknown> => (await completeLine(line, schema, lookup)).candidates;
    expect(await candidates("turn ")).toEqual(["a=", "a.", "b."]);
    expect(await candidates("turn a=")).toEqual([]);
    expect(await candidates("turn b.0.0.0.")).toEqual(["b.0.0.0.0."]);
  });

  test("is never what a terminal would obey", async () => {
    const evil = readIntrospection([{ "meta-type": "command", name: "do\u001b[2J" }]);
    const named: NameLookup = () => Promise.resolve(["a b", "\u001b]0;x\u0007", "fine"]);
    expect((await completeLine("d", evil, named)).candidates).toEqual([]);
    expect((await completeLine("do-it node=", SAMPLE_SCHEMA, named)).candidates).toEqual(["null ", "fine "]);
  });
});
