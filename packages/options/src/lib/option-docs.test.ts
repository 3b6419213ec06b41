import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { describedBlockdev, describedCommand, describedDrive } from "../testing/described-command.ts";
import { hasProgram } from "../testing/qemu.ts";
import { formatOptionHelp, formatOptionSynopsis } from "./help.ts";
import { formatOptionMarkdown } from "./option-markdown.ts";
import { formatManPage, formatOptionRoff } from "./option-roff.ts";

test("the synopsis names what must be given", () => {
  expect(describedCommand.options.map(formatOptionSynopsis)).toEqual([
    "--blockdev [driver=]<driver>[,...]",
    "--drive <key>=<value>[,...]",
    "--pidfile <path>",
    "-h, --help",
  ]);
});

test("help lists the option's keys, its choices and the types that are nested in it", () => {
  expect(formatOptionHelp(describedBlockdev).split("\n")).toEqual([
    "--blockdev [driver=]<driver>[,...]",
    "    adds a block node",
    "    driver=<nbd|file|raw>  - (required)",
    "    node-name=<str>        - name of the node",
    "    read-only=<bool (on/off)>",
    "    cache=<Cache>",
    "  driver=nbd - an export of an NBD server",
    "    server=<Address>       - (required)",
    "    port=<uint32>          - (in s, at least 1, at most 9, default 5)",
    "  driver=file",
    "    filename=<str>         - path of the file (required)",
    "  driver=raw",
    "    file=<Node>            - (required)",
    "    children=<list of Node>",
    "  Cache",
    "    direct=<bool (on/off)>",
    "  Address - where a socket is",
    "    type=<inet|unix>       - (required)",
    "  Address, type=inet",
    "    host=<str>             - (required)",
    "    to=<uint16>            - highest port",
    "  Address, type=unix",
    "    path=<str>             - (required)",
    "  Node",
    "    definition=<Options>",
    "    reference=<str>",
  ]);
  expect(formatOptionHelp(describedDrive).split("\n").slice(2)).toEqual([
    "    file=<str>             - name of the image",
    "    if=<ide|virtio>        - (default ide)",
    "    snapshot=<bool (on/off)>",
  ]);
});

test("the Markdown page has tables, and links that lead somewhere", () => {
  const page = formatOptionMarkdown(describedBlockdev, { level: 2 });
  expect(page).toMatch(/^## `--blockdev`\n\nAdds a block node\.\n\n```text\n--blockdev \[driver=\]/);
  expect(page).toContain("| `server` | [`Address`](#blockdev-address) | (required) |");
  expect(page).toContain('<a id="blockdev-address"></a>\n\n### `Address`\n\nWhere a socket is.');
  expect(page).toContain("| `driver` | `nbd\\|file\\|raw` | (required) |");
  const links = [...page.matchAll(/\]\(#([^)]+)\)/g)].map((match) => match[1]);
  const anchors = [...page.matchAll(/<a id="([^"]+)">/g)].map((match) => match[1]);
  expect(links.filter((link) => !anchors.includes(link))).toEqual([]);
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
    expect(stdout).toContain("--blockdev [driver=]<driver>[,...]");
    expect(stdout).toContain(".last, at the end…");
    expect(stdout).toContain("It's closed");
    expect(stdout).toContain("server=Address");
  });
});
