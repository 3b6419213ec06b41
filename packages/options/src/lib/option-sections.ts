import type { OptionDescription, OptsOptionDescription } from "./option-description.ts";
import { shownDefault, shownType } from "./shown-type.ts";
import {
  findType,
  resolveMembers,
  structMembers,
  type ResolvedMember,
  type TypeCatalog,
  type TypeReference,
} from "./type-catalog.ts";

/** One key of an option, ready to be shown. */
export interface ShownKey {
  /** Whole, with the dots: `server.path`. */
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

/** Keys that belong together: those of the option itself, of one choice, or of a type that stands in a list. */
export interface ShownSection {
  /** `driver=nbd` of a choice, the name of a type; undefined for the option's own keys. */
  readonly title: string | undefined;
  /** The type that all of this is about, for links; undefined for a choice. */
  readonly type: string | undefined;
  readonly help: string | undefined;
  readonly keys: readonly ShownKey[];
}

/** Where members are shown: the dotted keys and the choices that lead there, and the types that these are in. */
interface Where {
  readonly types: TypeCatalog;
  readonly path: string;
  readonly choice: string;
  readonly open: readonly string[];
  /** The choices that are to be shown. Default: all */
  readonly words?: readonly string[];
}

/** What there is to say about an option's argument, in the order of its description; every type is shown once. */
export function optionSections(option: OptionDescription): ShownSection[] {
  if ("known" in option) return [{ title: undefined, type: undefined, help: undefined, keys: optKeys(option) }];
  if (!("types" in option)) return [];
  const { types } = option;
  const sections: ShownSection[] = [];
  const shown = new Set([option.type]);
  for (const name of shown) {
    const title = name === option.type ? undefined : name;
    const where: Where = { types, path: "", choice: title === undefined ? "" : `${name}, `, open: [name] };
    const own = { title, type: name, help: findType(types, name)?.help, keys: keysOf(where, name) };
    for (const section of [own, ...choicesOf(where, name)]) {
      sections.push(section);
      for (const { section: next } of section.keys) if (next !== undefined) shown.add(next);
    }
  }
  return sections;
}

/** The keys of a type, those that all of its choices have; members of members are not among them. */
export function typeKeys(types: TypeCatalog, name: string): ShownKey[] {
  const where: Where = { types, path: "", choice: "", open: [] };
  return membersOf(types, name).map((member) => shownKey(where, member));
}

/** The members of a struct, or those that all choices of a union have; but for those that are not to be shown. */
export function membersOf(types: TypeCatalog, name: string): ResolvedMember[] {
  const description = findType(types, name);
  if (description === undefined || "enum" in description || "alternate" in description) return [];
  const members = "struct" in description ? structMembers(types, name) : resolveMembers(description.union);
  return members.filter(({ hidden }) => hidden !== true);
}

/** Keys with those of the structs and unions in them. */
function keysOf(where: Where, name: string): ShownKey[] {
  const description = findType(where.types, name);
  const key = description !== undefined && "union" in description ? description.discriminator : undefined;
  return membersOf(where.types, name).flatMap((member) => {
    return keysOfMember(
      where,
      member.name === key && where.words !== undefined ? { ...member, words: where.words } : member,
    );
  });
}

function keysOfMember(where: Where, member: ResolvedMember): ShownKey[] {
  const inner = inside(where, member);
  if (inner === undefined) return [shownKey(where, member)];
  const [first, ...others] = keysOf(inner.where, inner.type);
  if (first === undefined) return [];
  const { help = member.help } = first;
  return [{ ...first, help }, ...others].map((key) => (member.optional ? withoutDuty(key) : key));
}

/** It is required only where the member that it is in is given. */
function withoutDuty(key: ShownKey): ShownKey {
  return { ...key, required: false, notes: key.notes.filter((note) => note !== REQUIRED) };
}

/** What each choice adds to the keys: those of the type itself, and of the types in it. */
function choicesOf(where: Where, name: string): ShownSection[] {
  const { types, path, choice, words } = where;
  const description = findType(types, name);
  const inner = membersOf(types, name).flatMap((member) => choicesIn(where, member));
  if (description === undefined || !("union" in description)) return inner;
  const branches = Object.entries(description.branches).filter(([value]) => words?.includes(value) ?? true);
  const own = branches.flatMap(([value, branch]) => {
    const title = `${choice}${path}${description.discriminator}=${value}`;
    const nested: Where = { types, path, choice: `${title}, `, open: where.open };
    const section = { title, type: undefined, help: findType(types, branch)?.help, keys: keysOf(nested, branch) };
    return [section, ...choicesOf(nested, branch)];
  });
  return [...inner, ...own.filter(({ help, keys }) => help !== undefined || keys.length > 0)];
}

function choicesIn(where: Where, member: ResolvedMember): ShownSection[] {
  const inner = inside(where, member);
  return inner === undefined ? [] : choicesOf(inner.where, inner.type);
}

/** What is inside of a member whose value is a struct or a union; undefined for others, and for types within themselves. */
function inside(where: Where, { name, type, words }: ResolvedMember): { where: Where; type: string } | undefined {
  const { types, path, choice, open } = where;
  if (typeof type !== "string" || open.includes(type) || !isObject(types, type)) return undefined;
  const inner = { types, path: `${path}${name}.`, choice, open: [...open, type] };
  return { type, where: words === undefined ? inner : { ...inner, words } };
}

/** True for structs and unions, whose members are keys of their own. */
export function isObject(types: TypeCatalog, type: TypeReference): boolean {
  const description = typeof type === "string" ? findType(types, type) : undefined;
  return description !== undefined && ("struct" in description || "union" in description);
}

function shownKey({ types, path, open }: Where, member: ResolvedMember): ShownKey {
  return {
    key: path + member.name,
    type: shownType(types, member.type, member.words),
    section: sectionOf(types, member.type, open),
    help: member.help,
    notes: notesOf(member),
    required: !member.optional,
  };
}

/** The struct or union that is behind a list, an alternate, or a type that contains itself. */
function sectionOf(types: TypeCatalog, type: TypeReference, open: readonly string[]): string | undefined {
  const name = typeof type === "string" ? type : type[0];
  const description = findType(types, name);
  if (description === undefined || "enum" in description) return undefined;
  if (!("alternate" in description)) return name;
  const sections = Object.values(description.alternate).map((branch) => sectionOf(types, branch, [...open, name]));
  return open.includes(name) ? undefined : sections.find((section) => section !== undefined);
}

const REQUIRED = "required";

/** Unit, range and default, or that it is required. */
function notesOf({ unit, min, max, type, optional, default: value }: ResolvedMember): string[] {
  const most = max === Number.MAX_SAFE_INTEGER ? undefined : max;
  const notes: string[] = [];
  if (unit !== undefined) notes.push(`in ${unit}`);
  if (min !== undefined && most !== undefined) notes.push(`${min} to ${most}`);
  else if (min !== undefined) notes.push(`at least ${min}`);
  else if (most !== undefined) notes.push(`at most ${most}`);
  if (value !== undefined) notes.push(`default ${shownDefault(type, value)}`);
  else if (!optional) notes.push(REQUIRED);
  return notes;
}

function optKeys({ known, names }: OptsOptionDescription): ShownKey[] {
  const keys = Object.entries(known).map(([key, { type, help, values, default: text }]) => ({
    key,
    type: typeof values === "object" ? values.join("|") : shownType({}, type),
    section: undefined,
    help,
    notes: text === undefined ? [] : [`default ${text}`],
    required: false,
  }));
  if (names === undefined || Object.hasOwn(known, "id")) return keys;
  const id = { key: "id", type: "str", section: undefined, help: "its name", notes: [REQUIRED], required: true };
  return [...keys.slice(0, 1), id, ...keys.slice(1)];
}
