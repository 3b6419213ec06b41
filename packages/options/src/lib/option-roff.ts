import { keyMeaning } from "./help.ts";
import type { OptionDescription } from "./option-description.ts";
import { optionSections, type ShownKey } from "./option-sections.ts";
import { formatOptionUsage } from "./option-usage.ts";
import { roffParagraphs, roffUsage, textLine, quoteRoff } from "./roff-text.ts";
import { sentence } from "./wrap-text.ts";

/** Columns for how an option is written: lines of 78, which the page indents by seven. */
const USAGE_WIDTH = 70;

/** The part of a manual page about one option: how it is written, its help, and its keys as lists (`man` macros). */
export function formatOptionRoff(option: OptionDescription): string {
  const usage = formatOptionUsage(option, { width: USAGE_WIDTH }).split("\n");
  const lines = [".PP", ".nf", ...usage.map(roffUsage), ".fi", ".RS"];
  if (option.help !== undefined) lines.push(textLine(sentence(option.help)));
  if (option.details !== undefined) lines.push(...roffParagraphs(option.details, ".PP"));
  for (const { title, help, keys } of optionSections(option)) {
    if (title !== undefined) lines.push(".PP", `.I ${quoteRoff(title)}`);
    if (title !== undefined && help !== undefined) lines.push(".br", textLine(sentence(help)));
    lines.push(...keys.flatMap(keyLines));
  }
  return `${lines.join("\n")}\n.RE\n`;
}

function keyLines(key: ShownKey): string[] {
  const meaning = keyMeaning(key);
  const tag = `\\fB${roffUsage(`${key.key}=`).slice(3, -3)}\\fI${roffUsage(key.type).replaceAll("\\fB", "\\fI")}`;
  return [".TP", tag, meaning === "" ? "\\&" : textLine(meaning)];
}
