import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { describedBlockdev, describedCommand, describedDrive } from "../testing/described-command.ts";
import { hasProgram } from "../testing/qemu.ts";
import { formatCommandHelp, formatOptionHelp } from "./command-help.ts";
import { formatManPage } from "./man-page.ts";
import { formatCommandMarkdown, formatOptionMarkdown } from "./option-markdown.ts";
import { formatOptionRoff } from "./option-roff.ts";
import { formatOptionUsage } from "./option-usage.ts";

test("the usage has each form of the argument, and in it what must be given before what may", () => {
  expect(describedCommand.options.slice(0, 4).map((option) => formatOptionUsage(option).split("\n"))).toEqual([
    [
      "--blockdev [driver=]nbd,server.type=inet,server.host=<host>",
      "           [,node-name=<node-name>][,read-only=on|off][,cache.direct=on|off]",
      "           [,server.to=<n>][,port=<s>]",
      "--blockdev [driver=]nbd,server.type=unix,server.path=<path>",
      "           [,node-name=<node-name>][,read-only=on|off][,cache.direct=on|off]",
      "           [,port=<s>]",
      "--blockdev [driver=]file,filename=<filename>[,node-name=<node-name>]",
      "           [,read-only=on|off][,cache.direct=on|off]",
      "--blockdev [driver=]raw,file=<file>[,node-name=<node-name>][,read-only=on|off]",
      "           [,cache.direct=on|off][,children=<children>]",
    ],
    ["--drive <key>=<value>[,...]"],
    ["--pidfile <path>"],
    ["-h, --help"],
  ]);
  for (const width of [40, 60, 80, 120]) {
    const lines = formatOptionUsage(describedBlockdev, { width, indent: 2 }).split("\n");
    expect(lines.filter((line) => line.length > width && line.trim().includes("[,"))).toEqual([]);
  }
});

test("help lists the option's keys, nested ones whole, and its choices", () => {
  expect(formatOptionHelp(describedBlockdev).split("\n").slice(10)).toEqual([
    "                         adds a block node",
    "  driver=<nbd|file|raw>  - (required)",
    "  node-name=<str>        - name of the node",
    "  read-only=<on|off>",
    "  cache.direct=<on|off>",
    "",
    "driver=nbd - an export of an NBD server",
    "  server.type=<inet|unix>",
    "                         - (required)",
    "  port=<uint32>          - (in s, 1 to 9, default 5)",
    "",
    "driver=nbd, server.type=inet",
    "  server.host=<str>      - (required)",
    "  server.to=<uint16>     - highest port",
    "",
    "driver=nbd, server.type=unix",
    "  server.path=<str>      - (required)",
    "",
    "driver=file",
    "  filename=<str>         - path of the file (required)",
    "",
    "driver=raw",
    "  file=<Options|str>     - (required)",
    "  children=<list of Options|str>",
  ]);
  expect(formatOptionHelp(describedDrive).split("\n").slice(2)).toEqual([
    "  file=<str>             - name of the image",
    "  if=<ide|virtio>        - (default ide)",
    "  snapshot=<on|off>",
  ]);
});

test.each([60, 80, 120])("the help of a program fits into %d columns", (width) => {
  const help = formatCommandHelp(describedCommand, { width });
  expect(help).toMatch(/^Usage: try-daemon \[options\]\nTries things\.\n\n/);
  expect(help.split("\n").filter((line) => line.length > width)).toEqual([]);
  expect(help).toContain("\n  --pidfile <path>       write the process ID\n");
  expect(help).toContain("\n\nStorage:\n  --blockdev ");
  expect(help).toContain("Examples:\n  Adds a file:\n    try-daemon \\\n      --blockdev file,filename=a\n");
  expect(help).toMatch(/\nSee the manual\.\n$/);
  expect(help).not.toContain("--secret");
});

test("what is hidden is in no text", () => {
  const types = {
    Choice: { enum: ["a", "b", "c"] },
    A: { struct: { "*shown": "str", "*veiled": { type: "str", hidden: true } } },
    Inner: { union: { kind: "Choice" }, discriminator: "kind", branches: { a: "A", b: "A" } },
    Root: { struct: { inner: { type: "Inner", words: ["a"] }, word: { type: "Choice", words: ["b", "c"] } } },
  } as const;
  const option = { flag: "--x", types, type: "Root" };
  for (const text of [formatOptionHelp(option), formatOptionMarkdown(option), formatOptionRoff(option)]) {
    expect(text).not.toContain("veiled");
    expect(text).not.toMatch(/kind=b|a\|b/);
    expect(text).toContain("inner.shown");
  }
});

test("the Markdown page has tables, and links that lead somewhere", () => {
  const page = formatOptionMarkdown(describedBlockdev, { level: 2 });
  expect(page).toMatch(/^## `--blockdev`\n\nAdds a block node\.\n\n```text\n--blockdev \[driver=\]/);
  expect(page).toContain("| `children` | [`list of Options\\|str`](#blockdev-options) |");
  expect(page).toContain('<a id="blockdev-options"></a>');
  expect(page).toContain("| `driver`       | `nbd\\|file\\|raw` | (required)       |");
  const links = [...page.matchAll(/\]\(#([^)]+)\)/g)].map((match) => match[1]);
  const anchors = [...page.matchAll(/<a id="([^"]+)">/g)].map((match) => match[1]);
  expect(links.filter((link) => !anchors.includes(link))).toEqual([]);
});

test("the page of a program has all of its options and the examples", () => {
  const page = formatCommandMarkdown(describedCommand);
  expect([...page.matchAll(/^#+ .*/gm)].map(([line]) => line).filter((line) => !line.startsWith("###"))).toEqual([
    "# `try-daemon`",
    "## `--blockdev`",
    "## `--drive`",
    "## `--pidfile`",
    "## `--help`",
    "## Examples",
  ]);
  expect(page).toContain("```sh\ntry-daemon \\\n  --blockdev file,filename=a\n```\n");
});

test("a line of the manual that begins with a dot is no request", () => {
  expect(formatOptionRoff(describedBlockdev)).toContain("\n\\&.last, at the end\\[u2026]\n");
});

describe.runIf(hasProgram("groff", "groff-base"))("the manual page", () => {
  test("is read by groff without a warning", () => {
    const page = formatManPage(describedCommand, { date: "2026-11-24", source: "try 1" });
    const { stdout, stderr } = spawnSync("groff", ["-man", "-ww", "-Tutf8", "-P-cbou"], {
      input: page,
      encoding: "utf8",
    });
    expect(stderr).toBe("");
    expect(stdout).toMatch(/^TRY-DAEMON\(1\)/);
    expect(stdout).toContain("--blockdev [driver=]nbd,server.type=unix,server.path=path");
    expect(stdout).toContain(".last, at the end…");
    expect(stdout).toContain("It's closed");
    expect(stdout).toContain("server.type=inet|unix");
    expect(stdout).toMatch(/\nEXIT STATUS\n {7}It says how it went\.\n\n {7}0 {6}well\n/);
  });
});
