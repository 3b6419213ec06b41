import type { OptDescriptions } from "./opt-description.ts";

const SHOWN_TYPES = { str: "str", bool: "bool (on/off)", number: "num", size: "size" } as const;
const HELP_COLUMN = 24;

/** QEMU's help for a list of options. `name` is the list's; without it the caption is `Options:`. */
export function formatOptsHelp(known: OptDescriptions, name?: string): string {
  const lines = Object.entries(known)
    .map(([key, { type, help, values }]) => {
      const head = `  ${key}=<${SHOWN_TYPES[type]}>`;
      const listed = typeof values === "object" ? ` (${values.join(", ")})` : "";
      return help === undefined ? head : `${head.padEnd(HELP_COLUMN)} - ${help}${listed}`;
    })
    .toSorted();
  if (lines.length > 0) return [name === undefined ? "Options:" : `${name} options:`, ...lines].join("\n");
  return name === undefined ? "No options available." : `There are no options for ${name}.`;
}
