import { keyMeaning } from "./help.ts";
import { optionGroups, type CommandDescription, type OptionDescription } from "./option-description.ts";
import { optionSections, type ShownKey, type ShownSection } from "./option-sections.ts";
import { formatOptionUsage } from "./option-usage.ts";
import { sentence } from "./wrap-text.ts";

/** How a page is made. */
export interface MarkdownOptions {
  /** The level of the page's heading, from 1 to 5. Default: 1 */
  readonly level?: number;
}

/**
 * A page of the documentation about all options of a program, in Markdown: what it is, each option with its keys, and the
 * examples. The tables are set as formatters want them.
 */
export function formatCommandMarkdown(command: CommandDescription, { level = 1 }: MarkdownOptions = {}): string {
  const { name, help, examples = [] } = command;
  const heading = "#".repeat(level);
  // What a page is read for comes first.
  const groups = optionGroups(command).toSorted(([a], [b]) => Number(a === undefined) - Number(b === undefined));
  const options = groups.flatMap(([, members]) => members);
  const shown = examples.flatMap(({ help: what, command: line }) => [
    `${sentence(escapeMarkdown(what)).slice(0, -1)}:`,
    `\`\`\`sh\n${line}\n\`\`\``,
  ]);
  const blocks = [
    `${heading} \`${name}\``,
    sentence(escapeMarkdown(help)),
    ...options.map((option) => formatOptionMarkdown(option, { level: level + 1 }).trimEnd()),
    ...(shown.length === 0 ? [] : [`${heading}# Examples`, ...shown]),
  ];
  return `${blocks.join("\n\n")}\n`;
}

/**
 * The page of the documentation about an option, in Markdown: a heading, how the option is written, and a table of keys
 * for the option, for each of its choices and for each type in its lists, with links to these.
 */
export function formatOptionMarkdown(option: OptionDescription, { level = 1 }: MarkdownOptions = {}): string {
  const heading = "#".repeat(level);
  const blocks = [`${heading} \`${option.flag}\``];
  if (option.help !== undefined) blocks.push(sentence(escapeMarkdown(option.help)));
  blocks.push(`\`\`\`text\n${formatOptionUsage(option, { width: 100 })}\n\`\`\``);
  if (option.details !== undefined) blocks.push(option.details);
  const sections = optionSections(option);
  const linked = new Set(sections.flatMap(({ keys }) => keys.map(({ section }) => section)));
  for (const section of sections) blocks.push(...sectionBlocks(option.flag, section, heading, linked));
  return `${blocks.join("\n\n")}\n`;
}

function sectionBlocks(
  flag: string,
  { title, type, help, keys }: ShownSection,
  heading: string,
  linked: ReadonlySet<string | undefined>,
): string[] {
  const blocks: string[] = [];
  if (type !== undefined && linked.has(type)) blocks.push(`<a id="${anchorOf(flag, type)}"></a>`);
  if (title !== undefined) blocks.push(`${heading}# \`${title}\``);
  if (title !== undefined && help !== undefined) blocks.push(sentence(escapeMarkdown(help)));
  if (keys.length > 0) blocks.push(table([["key", "type", "meaning"], ...keys.map((key) => tableRow(flag, key))]));
  return blocks;
}

function tableRow(flag: string, key: ShownKey): string[] {
  const shown = `\`${escapeCell(key.type)}\``;
  const linked = key.section === undefined ? shown : `[${shown}](#${anchorOf(flag, key.section)})`;
  return [`\`${escapeCell(key.key)}\``, linked, escapeMarkdown(keyMeaning(key))];
}

/** A table whose columns are as wide as their widest cells. */
function table([head = [], ...rows]: readonly (readonly string[])[]): string {
  const widths = head.map((_, column) => Math.max(3, ...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}

function anchorOf(flag: string, type: string): string {
  return `${flag.replace(/^-+/, "")}-${type}`.toLowerCase();
}

/** A bar ends a cell even within code. */
function escapeCell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}

function escapeMarkdown(text: string): string {
  return escapeCell(text.replaceAll(/[\\`*[\]<>#]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])/g, "\\$&"));
}
