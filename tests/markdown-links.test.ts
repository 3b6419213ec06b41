import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../scripts/environment.mjs";

const pages = globSync("{*,{packages,apps,examples}/*/*,{decisions,docs,.changeset}/*}.md", { cwd: root });

test("there are pages to look at", () => {
  expect(pages).toContain("README.md");
});

test.for(pages)("the links in %s lead somewhere", (page) => {
  const text = readFileSync(join(root, page), "utf8");
  expect(relativeLinks(text).filter((link) => !existsSync(join(root, dirname(page), link)))).toEqual([]);
});

/** The files and folders that a page links to: no addresses, and without the part after `#`. */
function relativeLinks(markdown: string): string[] {
  const withoutCode = markdown.replaceAll(/^```[^]*?^```/gm, "").replaceAll(/`[^`\n]*`(?!\])/g, "");
  return [...withoutCode.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = ""]) => target.replace(/#.*$/, ""))
    .filter((target) => target !== "" && !/^[a-z]+:/.test(target));
}
