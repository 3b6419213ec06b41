import { keyLine } from "./help.ts";
import {
  optionGroups,
  type CommandDescription,
  type CommandExample,
  type OptionDescription,
} from "./option-description.ts";
import { optionSections } from "./option-sections.ts";
import { formatOptionUsage } from "./option-usage.ts";
import { sentence, wrapText } from "./wrap-text.ts";

/** How a help is set. */
export interface HelpOptions {
  /** Columns that there are. Default: 80 */
  readonly width?: number;
}

/** Where the help of an option begins. */
const HELP_MARGIN = " ".repeat(25);

/**
 * The text of a program's `--help`: how each option is written and what it does, by groups; the examples; and the keys of
 * the options that have some. Ends with a line feed.
 */
export function formatCommandHelp(command: CommandDescription, { width = 80 }: HelpOptions = {}): string {
  const { examples = [], footer } = command;
  const groups = optionGroups(command);
  const blocks = [
    `Usage: ${command.name} [options]\n${sentence(command.help)}`,
    ...groups.map(([group, members]) => groupLines(group, members, width)),
    ...(examples.length === 0 ? [] : [`Examples:\n${examples.map((one) => exampleLines(one, width)).join("\n\n")}`]),
    ...groups
      .flatMap(([, members]) => members)
      .filter(hasKeys)
      .map((option) => `Keys of ${option.flag}:\n${formatOptionKeys(option, { width })}`),
    ...(footer === undefined ? [] : [wrapText(footer, { width, first: "", margin: "" }).join("\n")]),
  ];
  return `${blocks.join("\n\n")}\n`;
}

/**
 * The section of a help about an option: how it is written, its line of help, and all of its keys: its own, those of
 * each choice, and those of the types in its lists.
 */
export function formatOptionHelp(option: OptionDescription, { width = 80 }: HelpOptions = {}): string {
  const keys = hasKeys(option) ? [formatOptionKeys(option, { width })] : [];
  return [summary(option, width, 0), ...keys].join("\n");
}

function formatOptionKeys(option: OptionDescription, { width }: { width: number }): string {
  return optionSections(option)
    .flatMap(({ title, help, keys }) => [
      ...(title === undefined ? [] : ["", ...titleLines(title, help, width)]),
      ...keys.flatMap((key) => keyLine(key, width)),
    ])
    .join("\n");
}

function titleLines(title: string, help: string | undefined, width: number): string[] {
  const text = help === undefined ? title : `${title} - ${help}`;
  return wrapText(text, { width, first: "", margin: "  " });
}

/** Options with an argument of many forms stand apart from each other. */
function groupLines(group: string | undefined, options: readonly OptionDescription[], width: number): string {
  const between = options.some(hasKeys) ? "\n\n" : "\n";
  const lines = options.map((option) => summary(option, width)).join(between);
  return group === undefined ? lines : `${group}:\n${lines}`;
}

function hasKeys(option: OptionDescription): boolean {
  return "types" in option || "known" in option;
}

/** The usage, and the line of help beside it or below. */
function summary(option: OptionDescription, width: number, indent = 2): string {
  const usage = formatOptionUsage(option, { width, indent });
  if (option.help === undefined) return usage;
  const isShort = !usage.includes("\n") && usage.length < HELP_MARGIN.length - 1;
  const first = isShort ? usage.padEnd(HELP_MARGIN.length) : HELP_MARGIN;
  const help = wrapText(option.help, { width, first, margin: HELP_MARGIN });
  return (isShort ? help : [usage, ...help]).join("\n");
}

function exampleLines({ help, command }: CommandExample, width: number): string {
  const lines = command.split("\n").map((line) => `    ${line}`);
  return [...wrapText(`${sentence(help).slice(0, -1)}:`, { width, first: "  ", margin: "  " }), ...lines].join("\n");
}
