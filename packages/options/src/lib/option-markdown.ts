import { formatOptionSynopsis } from "./help.ts";
import type { OptionDescription } from "./option-description.ts";
import { optionSections, type ShownKey, type ShownSection } from "./option-sections.ts";

/** How a page is made. */
export interface MarkdownOptions {
  /** The level of the page's heading, from 1 to 5. Default: 1 */
  readonly level?: number;
}

/**
 * The page of the documentation about an option, in Markdown: a heading, how the option is written, and a table of keys
 * for the option, for each of its choices and for each type that is nested in it, with links between them.
 */
export function formatOptionMarkdown(option: OptionDescription, { level = 1 }: MarkdownOptions = {}): string {
  const heading = "#".repeat(level);
  const blocks = [`${heading} \`${option.flag}\``];
  if (option.help !== undefined) blocks.push(sentence(escapeMarkdown(option.help)));
  blocks.push(`\`\`\`text\n${formatOptionSynopsis(option)}\n\`\`\``);
  if (option.details !== undefined) blocks.push(option.details);
  for (const section of optionSections(option)) blocks.push(...sectionBlocks(option.flag, section, heading));
  return `${blocks.join("\n\n")}\n`;
}

function sectionBlocks(flag: string, { title, type, help, keys }: ShownSection, heading: string): string[] {
  const blocks: string[] = [];
  if (type !== undefined) blocks.push(`<a id="${anchorOf(flag, type)}"></a>`);
  if (title !== undefined) blocks.push(`${heading}# \`${title}\``);
  if (title !== undefined && help !== undefined) blocks.push(sentence(escapeMarkdown(help)));
  if (keys.length > 0) {
    const rows = keys.map((key) => tableRow(flag, key));
    blocks.push(["| key | type | meaning |", "| --- | --- | --- |", ...rows].join("\n"));
  }
  return blocks;
}

function tableRow(flag: string, { key, type, section, help, notes }: ShownKey): string {
  const shown = `\`${escapeCell(type)}\``;
  const linked = section === undefined ? shown : `[${shown}](#${anchorOf(flag, section)})`;
  const bracketed = notes.length === 0 ? [] : [`(${notes.join(", ")})`];
  const meaning = [...(help === undefined ? [] : [help]), ...bracketed].join(" ");
  return `| \`${escapeCell(key)}\` | ${linked} | ${escapeMarkdown(meaning)} |`;
}

function anchorOf(flag: string, type: string): string {
  return `${flag.replace(/^-+/, "")}-${type}`.toLowerCase();
}

/** A bar ends a cell even within code. */
function escapeCell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}

function escapeMarkdown(text: string): string {
  return escapeCell(text.replaceAll(/[\\`*_[\]<>#]/g, "\\$&"));
}

/** A line of help as a sentence. */
function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}
