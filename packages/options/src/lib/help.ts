import { typeKeys, type ShownKey } from "./option-sections.ts";
import { findType, type TypeCatalog } from "./type-catalog.ts";
import type { TypeName } from "./type-of.ts";
import { wrapText } from "./wrap-text.ts";

/** Where QEMU's help texts begin. */
const HELP_COLUMN = 24;

/**
 * The lines of QEMU's help for a type: `  key=<type>`, and ` - ` and the help from column 24 on. The members of the branch
 * that `choice` names follow those of the union itself; without a choice, the union's choices follow.
 */
export function helpLines<C extends TypeCatalog>(types: C, name: TypeName<C>, choice?: string): string[] {
  const description = findType(types, name);
  if (description === undefined || "enum" in description || "alternate" in description) return [];
  const lines = typeKeys(types, name).flatMap((key) => keyLine(key));
  if ("struct" in description) return lines;
  if (choice === undefined) return [...lines, ...choiceLines(types, description.discriminator, description.branches)];
  const branch = Object.hasOwn(description.branches, choice) ? description.branches[choice] : undefined;
  return branch === undefined ? lines : [...lines, ...typeKeys(types, branch).flatMap((key) => keyLine(key))];
}

function choiceLines(types: TypeCatalog, key: string, branches: Readonly<Record<string, string>>): string[] {
  return Object.entries(branches).flatMap(([value, branch]) =>
    helpLine(`  ${key}=${value}`, findType(types, branch)?.help, Infinity),
  );
}

/** The line about a key; more of them if it is too long for the width. */
export function keyLine(key: ShownKey, width: number = Infinity): string[] {
  return helpLine(`  ${key.key}=<${key.type}>`, keyMeaning(key), width);
}

/** What a key does, with unit, range and default behind it; empty if there is nothing to say. */
export function keyMeaning({ help, notes }: ShownKey): string {
  const bracketed = notes.length === 0 ? [] : [`(${notes.join(", ")})`];
  return [...(help === undefined ? [] : [help]), ...bracketed].join(" ");
}

function helpLine(head: string, help: string | undefined, width: number): string[] {
  if (help === undefined || help === "") return [head];
  const isLong = head.length > HELP_COLUMN && width < Infinity;
  const first = isLong ? " ".repeat(HELP_COLUMN) : head.padEnd(HELP_COLUMN);
  const lines = wrapText(help, { width, first: `${first} - `, margin: " ".repeat(HELP_COLUMN + 3) });
  return isLong ? [head, ...lines] : lines;
}
