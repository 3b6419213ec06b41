import {
  optionGroups,
  type CommandDescription,
  type CommandExample,
  type ManualSection,
} from "./option-description.ts";
import { formatOptionRoff } from "./option-roff.ts";
import { escapeRoff, quoteRoff, roffParagraphs, textLine } from "./roff-text.ts";
import { sentence } from "./wrap-text.ts";

/** What a manual page says in its header and footer, besides the program's name. */
export interface ManPageOptions {
  /** The section of the manual. Default: 1 */
  readonly section?: number;
  /** As printed in the footer: `2026-11-24`. Default: none */
  readonly date?: string;
  /** The program and its version, as printed in the footer. Default: none */
  readonly source?: string;
}

/** A whole manual page of a program (`man` macros): name, synopsis, description, options, examples, and its own sections. */
export function formatManPage(command: CommandDescription, options: ManPageOptions = {}): string {
  const { section = 1, date = "", source = "" } = options;
  const { name, help, details, examples = [], sections = [] } = command;
  const title = [name.toUpperCase(), String(section), date, source].map(quoteRoff).join(" ");
  const lines = [
    `.TH ${title}`,
    ".SH NAME",
    `${escapeRoff(name)} \\- ${escapeRoff(help)}`,
    ".SH SYNOPSIS",
    `.B ${escapeRoff(name)}`,
    ".RI [ options ]",
    ...(details === undefined ? [] : [".SH DESCRIPTION", ...roffParagraphs(details, ".PP").slice(1)]),
    ".SH OPTIONS",
    ...optionLines(command),
    ...(examples.length === 0 ? [] : [".SH EXAMPLES", ...examples.flatMap(exampleLines)]),
    ...sections.flatMap(sectionLines),
  ];
  return `${lines.join("\n")}\n`;
}

function optionLines(command: CommandDescription): string[] {
  return optionGroups(command).flatMap(([group, options]) => [
    ...(group === undefined ? [] : [`.SS ${quoteRoff(group)}`]),
    ...options.map((option) => formatOptionRoff(option).trimEnd()),
  ]);
}

function exampleLines({ help, command }: CommandExample, at: number): string[] {
  const text = textLine(`${sentence(help).slice(0, -1)}:`);
  return [
    ...(at === 0 ? [] : [".PP"]),
    text,
    ".PP",
    ".RS 4",
    ".nf",
    ...command.split("\n").map(textLine),
    ".fi",
    ".RE",
  ];
}

function sectionLines({ title, text, items = {} }: ManualSection): string[] {
  const paragraphs = text === undefined ? [] : roffParagraphs(text, ".PP").slice(1);
  const terms = Object.entries(items).flatMap(([term, meaning]) => [
    ".TP",
    `.B ${quoteRoff(term)}`,
    ...roffParagraphs(meaning, ".IP").slice(1),
  ]);
  return [`.SH ${quoteRoff(title)}`, ...paragraphs, ...terms];
}
