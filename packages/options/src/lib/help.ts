import { takesArgument, type OptionDescription } from "./option-description.ts";
import { optionSections, typeKeys, type ShownKey } from "./option-sections.ts";
import { findType, type TypeCatalog } from "./type-catalog.ts";
import type { TypeName } from "./type-of.ts";

/** Where QEMU's help texts begin. */
const HELP_COLUMN = 24;

/**
 * The lines of QEMU's help for a type: `  key=<type>`, and ` - ` and the help from column 24 on. The members of the branch
 * that `choice` names follow those of the union itself; without a choice, the union's choices follow.
 */
export function helpLines<C extends TypeCatalog>(types: C, name: TypeName<C>, choice?: string): string[] {
  const description = findType(types, name);
  if (description === undefined || "enum" in description || "alternate" in description) return [];
  const lines = typeKeys(types, name).map(keyLine);
  if ("struct" in description) return lines;
  if (choice === undefined) return [...lines, ...choiceLines(types, description.discriminator, description.branches)];
  const branch = Object.hasOwn(description.branches, choice) ? description.branches[choice] : undefined;
  return branch === undefined ? lines : [...lines, ...typeKeys(types, branch).map(keyLine)];
}

function choiceLines(types: TypeCatalog, key: string, branches: Readonly<Record<string, string>>): string[] {
  return Object.entries(branches).map(([value, branch]) =>
    helpLine(`  ${key}=${value}`, findType(types, branch)?.help),
  );
}

function keyLine({ key, type, help, notes }: ShownKey): string {
  const bracketed = notes.length === 0 ? [] : [`(${notes.join(", ")})`];
  return helpLine(`  ${key}=<${type}>`, [...(help === undefined ? [] : [help]), ...bracketed].join(" "));
}

function helpLine(head: string, help: string | undefined): string {
  return help === undefined || help === "" ? head : `${head.padEnd(HELP_COLUMN)} - ${help}`;
}

/**
 * How an option is written: `--blockdev [driver=]<driver>,node-name=<str>[,...]`. Keys that must be given are named, of
 * others there is the `[,...]`.
 */
export function formatOptionSynopsis(option: OptionDescription): string {
  const flags = option.shortFlag === undefined ? option.flag : `${option.shortFlag}, ${option.flag}`;
  if (!takesArgument(option)) return flags;
  if (!("types" in option) && !("known" in option)) return `${flags} <${option.argument}>`;
  const keys = optionSections(option)[0]?.keys ?? [];
  const first = keys.find(({ key }) => key === option.impliedKey);
  const named = keys.filter((key) => key.required && key !== first).map(({ key }) => `${key}=<${key}>`);
  const items = [...(first === undefined ? [] : [`[${first.key}=]<${first.key}>`]), ...named];
  const hasMore = items.length < keys.length || optionSections(option).length > 1;
  return `${flags} ${items.length === 0 ? "<key>=<value>" : items.join(",")}${hasMore ? "[,...]" : ""}`;
}

/**
 * The section of `--help` about an option: how it is written, its line of help, and all of its keys: its own, those of
 * each choice, and those of the types that are nested in it.
 */
export function formatOptionHelp(option: OptionDescription): string {
  const lines = [formatOptionSynopsis(option)];
  if (option.help !== undefined) lines.push(`    ${option.help}`);
  for (const { title, help, keys } of optionSections(option)) {
    if (title !== undefined) lines.push(`  ${title}${help === undefined ? "" : ` - ${help}`}`);
    lines.push(...keys.map((key) => `  ${keyLine(key)}`));
  }
  return lines.join("\n");
}
