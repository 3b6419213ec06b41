import { formatOptionSynopsis } from "./help.ts";
import type { CommandDescription, OptionDescription } from "./option-description.ts";
import { optionSections, type ShownKey } from "./option-sections.ts";

/** What a manual page says in its header and footer, besides the program's name. */
export interface ManPageOptions {
  /** The section of the manual. Default: 1 */
  readonly section?: number;
  /** As printed in the footer: `2026-11-24`. Default: none */
  readonly date?: string;
  /** The program and its version, as printed in the footer. Default: none */
  readonly source?: string;
}

/** The part of a manual page about one option: its synopsis, its help, and its keys as nested lists (`man` macros). */
export function formatOptionRoff(option: OptionDescription): string {
  const lines = [".TP", `.B ${quoteRoff(formatOptionSynopsis(option))}`];
  if (option.help !== undefined) lines.push(textLine(sentence(option.help)));
  if (option.details !== undefined) lines.push(...paragraphs(option.details, ".IP"));
  for (const { title, help, keys } of optionSections(option)) {
    if (title === undefined && keys.length === 0) continue;
    lines.push(".RS");
    if (title !== undefined) lines.push(".PP", `.I ${quoteRoff(title)}`);
    if (title !== undefined && help !== undefined) lines.push(".br", textLine(sentence(help)));
    lines.push(...keys.flatMap(keyLines), ".RE");
  }
  return `${lines.join("\n")}\n`;
}

/** A whole manual page of a program (`man` macros): its name, its synopsis, its description and its options. */
export function formatManPage(command: CommandDescription, options: ManPageOptions = {}): string {
  const { section = 1, date = "", source = "" } = options;
  const title = [command.name.toUpperCase(), String(section), date, source].map(quoteRoff).join(" ");
  const details = command.details === undefined ? [] : [".SH DESCRIPTION", ...paragraphs(command.details, ".PP")];
  const head = [
    `.TH ${title}`,
    ".SH NAME",
    `${escapeRoff(command.name)} \\- ${escapeRoff(command.help)}`,
    ".SH SYNOPSIS",
    `.B ${escapeRoff(command.name)}`,
    ".RI [ options ]",
    ...details,
    ".SH OPTIONS",
  ];
  return `${head.join("\n")}\n${command.options.map(formatOptionRoff).join("")}`;
}

function keyLines({ key, type, help, notes }: ShownKey): string[] {
  const bracketed = notes.length === 0 ? [] : [`(${notes.join(", ")})`];
  const meaning = [...(help === undefined ? [] : [help]), ...bracketed].join(" ");
  return [".TP", `.BI ${quoteRoff(`${key}=`)} ${quoteRoff(type)}`, ...(meaning === "" ? [] : [textLine(meaning)])];
}

function paragraphs(text: string, macro: string): string[] {
  return text.split(/\n[ \t]*\n/).flatMap((paragraph) => [macro, ...paragraph.split("\n").map(textLine)]);
}

/** A dot at the start of a line would be a request. */
function textLine(text: string): string {
  return text.startsWith(".") ? `\\&${escapeRoff(text)}` : escapeRoff(text);
}

function quoteRoff(text: string): string {
  return `"${escapeRoff(text).replaceAll('"', "\\(dq")}"`;
}

const ROFF_ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\e",
  "-": "\\-",
  "'": "\\(aq",
  "`": "\\(ga",
  "^": "\\(ha",
  "~": "\\(ti",
  "\n": " ",
};

/** What is meant to be typed must not become typographic; what is not ASCII is named by its code point. */
function escapeRoff(text: string): string {
  return text.replaceAll(/[\\'`^~\n-]|[^\n -~]/gu, (char) => ROFF_ESCAPES[char] ?? codePointEscape(char));
}

function codePointEscape(char: string): string {
  const hex = (char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  return `\\[u${hex}]`;
}

function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}
