import { structMembers, type TypeCatalog, type TypeDescription, type TypeReference } from "@rehandle/options";
import { objectOption } from "./option-table.ts";

/** Where help texts begin. */
const HELP_COLUMN = 24;

/** The text of `--object help`, or of `--object TYPE,help` if there is such a type, as QEMU lists properties. */
export function objectHelp(choice: string | undefined): string {
  const { types, type } = objectOption.description;
  const branches = branchesOf(types[type]);
  const branch = choice !== undefined && Object.hasOwn(branches, choice) ? branches[choice] : undefined;
  if (branch === undefined) {
    return lines(
      "List of user creatable objects:",
      Object.keys(branches).map((name) => `  ${name}`),
    );
  }
  const members = structMembers(types, branch).map(({ name, type: of, help }) => {
    const head = `  ${name}=<${shownType(types, of)}>`;
    return help === undefined ? head : `${head.padEnd(HELP_COLUMN)} - ${help}`;
  });
  return lines(`${choice} options:`, members);
}

function branchesOf(description: TypeDescription | undefined): Readonly<Record<string, string>> {
  return description !== undefined && "branches" in description ? description.branches : {};
}

function lines(caption: string, items: readonly string[]): string {
  return `${[caption, ...items.toSorted()].join("\n")}\n`;
}

/** QOM has words of its own for some types, and calls others by their names. */
function shownType(types: TypeCatalog, type: TypeReference): string {
  if (typeof type !== "string") return `${shownType(types, type[0])}[]`;
  if (type === "str") return "string";
  return Object.hasOwn(types, type) || type === "bool" ? type : "int";
}
