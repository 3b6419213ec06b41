import type { OptionDescription } from "./option-description.ts";
import type { OptDescriptions } from "./opt-description.ts";
import {
  findType,
  resolveMembers,
  structMembers,
  type ResolvedMember,
  type TypeCatalog,
  type TypeDescription,
  type TypeReference,
} from "./type-catalog.ts";

/** One key of an option, ready to be shown. */
export interface ShownKey {
  readonly key: string;
  /** The words of an enum, QEMU's word for a builtin, or the name of a type. */
  readonly type: string;
  /** The type that has a section of its own, if it has. */
  readonly section: string | undefined;
  readonly help: string | undefined;
  /** Unit, range and default, or that it is required. */
  readonly notes: readonly string[];
  readonly required: boolean;
}

/** Keys that belong together: those of the option itself, of one choice, or of a type that some key has. */
export interface ShownSection {
  /** `driver=nbd` of a choice, the name of a type; undefined for the option's own keys. */
  readonly title: string | undefined;
  /** The type that all of this is about, for links; undefined for a choice. */
  readonly type: string | undefined;
  readonly help: string | undefined;
  readonly keys: readonly ShownKey[];
}

const SHOWN_TYPES: ReadonlyMap<string, string> = new Map([
  ["bool", "bool (on/off)"],
  ["number", "num"],
]);

/** What there is to say about an option's argument, in the order of its description; every type is shown once. */
export function optionSections(option: OptionDescription): ShownSection[] {
  if ("known" in option) return [{ title: undefined, type: undefined, help: undefined, keys: optKeys(option.known) }];
  if (!("types" in option)) return [];
  const sections: ShownSection[] = [];
  const shown = new Set([option.type]);
  const queue = [option.type];
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    sections.push(...typeSections(option.types, name, name === option.type));
    for (const next of usedTypes(option.types, name)) {
      if (!shown.has(next)) queue.push(next);
      shown.add(next);
    }
  }
  return sections;
}

/** The keys of a type, those that all of its choices have. */
export function typeKeys(types: TypeCatalog, name: string): ShownKey[] {
  const description = findType(types, name);
  return description === undefined ? [] : ownMembers(types, name, description).map((member) => shownKey(types, member));
}

function typeSections(types: TypeCatalog, name: string, isRoot: boolean): ShownSection[] {
  const description = findType(types, name);
  if (description === undefined) return [];
  const title = isRoot ? undefined : name;
  const own = { title, type: name, help: description.help, keys: typeKeys(types, name) };
  if (!("union" in description)) return [own];
  const before = isRoot ? "" : `${name}, `;
  const choices = Object.entries(description.branches).map(([value, branch]) => ({
    title: `${before}${description.discriminator}=${value}`,
    type: undefined,
    help: findType(types, branch)?.help,
    keys: typeKeys(types, branch),
  }));
  return [own, ...choices.filter(({ help, keys }) => help !== undefined || keys.length > 0)];
}

function ownMembers(types: TypeCatalog, name: string, description: TypeDescription): ResolvedMember[] {
  if ("struct" in description) return structMembers(types, name);
  if ("union" in description) return resolveMembers(description.union);
  if ("enum" in description) return [];
  return Object.entries(description.alternate).map(([key, type]) => ({ name: key, type, optional: true }));
}

/** The types with sections of their own that the members of a type and of its choices have. */
function usedTypes(types: TypeCatalog, name: string): string[] {
  const description = findType(types, name);
  if (description === undefined || "enum" in description) return [];
  const members = ownMembers(types, name, description);
  const branches = "union" in description ? Object.values(description.branches) : [];
  const all = [...members, ...branches.flatMap((branch) => structMembers(types, branch))];
  return all.map(({ type }) => sectionOf(types, type)).filter((used) => used !== undefined);
}

/** The section that tells of a type: none for builtins and enums, whose words stand at the key. */
function sectionOf(types: TypeCatalog, type: TypeReference): string | undefined {
  const name = typeof type === "string" ? type : type[0];
  const description = findType(types, name);
  return description === undefined || "enum" in description ? undefined : name;
}

function shownKey(types: TypeCatalog, member: ResolvedMember): ShownKey {
  return {
    key: member.name,
    type: shownType(types, member.type),
    section: sectionOf(types, member.type),
    help: member.help,
    notes: notesOf(member),
    required: !member.optional,
  };
}

/** Unit, range and default, or that it is required. */
function notesOf(member: ResolvedMember): string[] {
  const notes: string[] = [];
  if (member.unit !== undefined) notes.push(`in ${member.unit}`);
  if (member.min !== undefined) notes.push(`at least ${member.min}`);
  if (member.max !== undefined) notes.push(`at most ${member.max}`);
  if (member.default !== undefined) notes.push(`default ${shownDefault(member.default)}`);
  else if (!member.optional) notes.push("required");
  return notes;
}

function shownDefault(value: string | number | boolean): string {
  return typeof value === "boolean" ? (value ? "on" : "off") : String(value);
}

function shownType(types: TypeCatalog, type: TypeReference): string {
  if (typeof type !== "string") return `list of ${shownType(types, type[0])}`;
  const description = findType(types, type);
  if (description !== undefined && "enum" in description) return description.enum.join("|");
  return SHOWN_TYPES.get(type) ?? type;
}

function optKeys(known: OptDescriptions): ShownKey[] {
  return Object.entries(known).map(([key, { type, help, values, default: text }]) => ({
    key,
    type: typeof values === "object" ? values.join("|") : (SHOWN_TYPES.get(type) ?? type),
    section: undefined,
    help,
    notes: text === undefined ? [] : [`default ${text}`],
    required: false,
  }));
}
