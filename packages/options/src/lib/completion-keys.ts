import {
  findType,
  resolveMembers,
  structMembers,
  type ResolvedMember,
  type TypeCatalog,
  type TypeReference,
} from "./type-catalog.ts";

/** Nobody writes keys of more fragments than this. */
const MOST_FRAGMENTS = 64;

/** What is given so far, by whole key. */
export type Given = ReadonlyMap<string, string>;

/** A key that can be written: `server.` goes on with a member, `size=` with a value. */
export interface KeyCandidate {
  readonly text: string;
  readonly help: string | undefined;
}

/** The member at a dotted key, through structs, choices made so far, alternates and lists; undefined if there is none. */
export function memberAt(types: TypeCatalog, type: string, key: string, given: Given): ResolvedMember | undefined {
  let member: ResolvedMember = { name: "", type, optional: false };
  let path = "";
  const fragments = key.split(".", MOST_FRAGMENTS + 1);
  if (fragments.length > MOST_FRAGMENTS) return undefined;
  for (const fragment of fragments) {
    const next = childOf(types, member, path, fragment, given);
    if (next === undefined) return undefined;
    member = next;
    path = path === "" ? fragment : `${path}.${fragment}`;
  }
  return member;
}

function childOf(
  types: TypeCatalog,
  { type, words }: ResolvedMember,
  path: string,
  fragment: string,
  given: Given,
): ResolvedMember | undefined {
  if (typeof type !== "string") {
    return /^[0-9]+$/.test(fragment) ? { name: fragment, type: type[0], optional: true } : undefined;
  }
  const found = membersOf(types, type, path, given).find(({ name }) => name === fragment);
  const description = findType(types, type);
  const isChoice = description !== undefined && "union" in description && description.discriminator === fragment;
  return found !== undefined && isChoice && words !== undefined ? { ...found, words } : found;
}

/** The members that a value of a type can have, given its choices so far. */
function membersOf(types: TypeCatalog, type: string, path: string, given: Given): ResolvedMember[] {
  const description = findType(types, type);
  if (description === undefined || "enum" in description) return [];
  if ("struct" in description) return structMembers(types, type);
  if ("alternate" in description) {
    const object = Object.values(description.alternate).find((branch) => isObject(types, branch));
    return typeof object === "string" ? membersOf(types, object, path, given) : [];
  }
  const own = resolveMembers(description.union);
  const choice = given.get(path === "" ? description.discriminator : `${path}.${description.discriminator}`) ?? "";
  const branch = Object.hasOwn(description.branches, choice) ? description.branches[choice] : undefined;
  return branch === undefined ? own : [...own, ...structMembers(types, branch)];
}

/** The keys that continue `key`, of which everything up to its last dot is fixed, and that are not given yet. */
export function keyCandidates(types: TypeCatalog, type: string, key: string, given: Given): KeyCandidate[] {
  const dot = key.lastIndexOf(".");
  const parent = key.slice(0, Math.max(dot, 0));
  const start = key.slice(0, dot + 1);
  const holder = dot < 0 ? { type } : memberAt(types, type, parent, given);
  if (holder === undefined) return [];
  const children = typeof holder.type === "string" ? membersOf(types, holder.type, parent, given) : [];
  const elements = typeof holder.type === "string" ? [] : [elementOf(holder.type[0], parent, given)];
  return [...children, ...elements]
    .filter(({ name, hidden }) => hidden !== true && !given.has(start + name))
    .flatMap((member) =>
      endingsOf(types, member.type).map((ending) => ({ text: start + member.name + ending, help: member.help })),
    )
    .filter(({ text }) => text.startsWith(key));
}

/** The element of a list that comes next. */
function elementOf(type: string, path: string, given: Given): ResolvedMember {
  const prefix = `${path}.`;
  const used = [...given.keys()]
    .filter((key) => key.startsWith(prefix))
    .map((key) => Number(key.slice(prefix.length).split(".", 1)[0]));
  return { name: String(Math.max(-1, ...used.filter(Number.isSafeInteger)) + 1), type, optional: true };
}

/** `=` behind what has a text for a value, `.` behind what has members; both behind an alternate that takes either. */
function endingsOf(types: TypeCatalog, type: TypeReference): string[] {
  if (isObject(types, type)) return ["."];
  const description = typeof type === "string" ? findType(types, type) : undefined;
  if (description === undefined || !("alternate" in description)) return ["="];
  const isNested = Object.values(description.alternate).map((branch) => isObject(types, branch));
  return [...(isNested.includes(false) ? ["="] : []), ...(isNested.includes(true) ? ["."] : [])];
}

function isObject(types: TypeCatalog, type: TypeReference): boolean {
  if (typeof type !== "string") return true;
  const description = findType(types, type);
  return description !== undefined && ("struct" in description || "union" in description);
}

/** The texts that a member can be: its own words, an enum's, `on` and `off`; of an alternate those of its branches. */
export function valueWords(types: TypeCatalog, { type, words }: ResolvedMember): readonly string[] {
  if (words !== undefined) return words;
  return typeWords(types, type);
}

function typeWords(types: TypeCatalog, type: TypeReference): readonly string[] {
  if (type === "bool") return ["on", "off"];
  const description = typeof type === "string" ? findType(types, type) : undefined;
  if (description === undefined) return [];
  if ("enum" in description) return description.enum;
  if (!("alternate" in description)) return [];
  return Object.values(description.alternate).flatMap((branch) => typeWords(types, branch));
}
