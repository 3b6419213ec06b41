import { expect, test } from "vitest";
import { describedCommand, describedBlockdev, describedDrive } from "../testing/described-command.ts";
import { completeCommandLine, completeOption } from "./complete-option.ts";
import type { CommandDescription } from "./option-description.ts";
import { formatCandidates } from "./shell-completion.ts";

test.each([
  ["", "nbd file raw driver= node-name= read-only= cache."],
  ["n", "nbd node-name="],
  ["nbd", "nbd"],
  ["nbd,s", "nbd,server."],
  ["nbd,server.", "nbd,server.type="],
  ["nbd,server.type=", "nbd,server.type=inet nbd,server.type=unix"],
  ["nbd,server.type=u", "nbd,server.type=unix"],
  ["nbd,server.type=unix,server.", "nbd,server.type=unix,server.path="],
  ["driver=nbd,node-name=a,,b,se", "driver=nbd,node-name=a,,b,server."],
  ["node-name=a,,", ""],
  ["read-only=o", "read-only=on read-only=off"],
  ["cache.direct=", "cache.direct=on cache.direct=off"],
  ["cache.d", "cache.direct="],
  ["raw,fi", "raw,file= raw,file."],
  ["raw,file.dri", "raw,file.driver="],
  ["raw,file.driver=f", "raw,file.driver=file"],
  ["raw,file.driver=file,file.fi", "raw,file.driver=file,file.filename="],
  ["raw,chi", "raw,children."],
  ["raw,children.", "raw,children.0= raw,children.0."],
  ["raw,children.0=x,children.", "raw,children.0=x,children.1= raw,children.0=x,children.1."],
  ["raw,children.0.driver=n", "raw,children.0.driver=nbd"],
  ["raw,read-only=on,read", ""],
  ["zz.", ""],
  ["constructor=", ""],
  ["nbd,__proto__.", ""],
  ["{", ""],
])("keyval '%s'", (text, expected) => {
  const found = completeOption(describedBlockdev, text).map((candidate) => candidate.text);
  expect(found.join(" ")).toBe(expected);
});

test.each([
  ["", "file= if= snapshot="],
  ["if=v", "if=virtio"],
  ["snapshot=", "snapshot=on snapshot=off"],
  ["if=ide,", "if=ide,file= if=ide,snapshot="],
])("older syntax '%s'", (text, expected) => {
  const found = completeOption(describedDrive, text).map((candidate) => candidate.text);
  expect(found.join(" ")).toBe(expected);
});

test("files are left to the shell, which is told where the path begins", () => {
  const [found] = completeOption(describedBlockdev, "file,filename=/tmp/x");
  expect(found).toMatchObject({ kind: "file", text: "file,filename=" });
  expect(completeOption(describedDrive, "file=/e")).toMatchObject([{ kind: "file", text: "file=" }]);
});

test.each([
  [[""], "--blockdev --drive --pidfile --help -h"],
  [["--p"], "--pidfile"],
  [["--blockdev", "n"], "nbd node-name="],
  [["--blockdev=n"], "--blockdev=nbd --blockdev=node-name="],
  [["--pidfile", "/x"], ""],
  [["--help", "--d"], "--drive"],
  [["--zz=1"], ""],
  [[], "--blockdev --drive --pidfile --help -h"],
])("command line %j", (words, expected) => {
  const found = completeCommandLine(describedCommand, words).map((candidate) => candidate.text);
  expect(found.join(" ")).toBe(expected);
});

const naming: CommandDescription = {
  name: "try",
  help: "tries",
  options: [
    {
      flag: "--node",
      types: {
        Kind: { enum: ["plain", "over", "odd"] },
        Over: { struct: { file: { type: "Ref", completes: "node" } } },
        Ref: { alternate: { definition: "Node", reference: "str" } },
        Node: {
          union: { kind: { type: "Kind", words: ["plain", "over"] }, "*name": { type: "str", names: "node" } },
          discriminator: "kind",
          branches: { over: "Over" },
        },
      },
      type: "Node",
      impliedKey: "kind",
    },
    { flag: "--dev", known: { backend: { type: "str", values: ["a"] } }, impliedKey: "backend", names: "dev" },
    {
      flag: "--use",
      types: { Use: { struct: { dev: { type: "str", completes: "dev", words: ["none"] } } } },
      type: "Use",
    },
    { flag: "--export", types: { Export: { struct: { node: { type: "str", completes: "node" } } } }, type: "Export" },
  ],
};

test.each([
  [["--node", "plain,name=one", "--export", "node="], "node=one"],
  [
    [
      "--node=plain,name=one",
      "--node",
      '{"kind":"over","name":"two","file":{"kind":"plain","name":"three"}}',
      "--export=node=t",
    ],
    "--export=node=two --export=node=three",
  ],
  [["--node", "over,name=one,file.name=two", "--node", "over,file="], "over,file=one over,file=two"],
  [["--node", "plain,name=a,,b", "--export", "node="], "node=a,,b"],
  [["--export", "node="], ""],
  [["--dev", "a,id=x", "--use", "dev="], "dev=x dev=none"],
  [["--dev", "a,i"], "a,id="],
  [["--node", "{", "--dev", "", "--node", "{}", "--export", "node="], ""],
  [["--node", "o"], "over"],
  [["--node", "kind=o"], "kind=over"],
])("names that are given before: %j", (words, expected) => {
  expect(
    completeCommandLine(naming, words)
      .map(({ text }) => text)
      .join(" "),
  ).toBe(expected);
});

test("candidates are printed for the shells' scripts, one a line", () => {
  const text = formatCandidates(completeCommandLine(describedCommand, ["--blockdev", "n"]));
  expect(text).toBe("value\tnbd\tan export of an NBD server\nkey\tnode-name=\tname of the node\n");
});

test("takes time linear in what is written", () => {
  const hostile = "children.0.".repeat(20_000);
  expect(completeOption(describedBlockdev, `raw,${hostile}`)).toEqual([]);
  expect(completeOption(describedBlockdev, `raw,${"a=1,".repeat(50_000)}no`)).toHaveLength(1);
});
