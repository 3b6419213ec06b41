/** Finds the code examples that READMEs hold: every ```ts block that is not marked `no-run`. */

/**
 * @typedef {object} Example
 * @property {number} line Where its code begins in the README, from 1.
 * @property {string} code
 */

/**
 * @param {string} markdown
 * @returns {Example[]}
 * @throws Error if a block is never closed.
 */
export function findExamples(markdown) {
  const lines = markdown.split("\n");
  /** @type {Example[]} */
  const examples = [];
  for (let at = 0; at < lines.length; at += 1) {
    const fence = /^( *)(`{3,})(.*)$/.exec(lines[at] ?? "");
    if (fence === null) continue;
    const [, indent = "", ticks = "", info = ""] = fence;
    const end = lines.indexOf(indent + ticks, at + 1);
    if (end < 0) throw new Error(`the block that begins in line ${at + 1} is never closed`);
    if (runs(info)) examples.push({ line: at + 2, code: lines.slice(at + 1, end).join("\n") + "\n" });
    at = end;
  }
  return examples;
}

/** @param {string} info What follows the opening backticks. */
function runs(info) {
  const [language, ...marks] = info.trim().split(/\s+/);
  return language === "ts" && !marks.includes("no-run");
}
