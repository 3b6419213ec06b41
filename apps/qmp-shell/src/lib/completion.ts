import { readArgumentTree, type GivenMembers } from "./argument-tree.ts";
import type { PeerSchema, PeerType } from "./peer-schema.ts";
import { followPath, membersGiven, objectType } from "./schema-path.ts";
import { splitWords } from "./split-words.ts";
import { LOCAL_NAMES } from "./statement.ts";
import { VIEWS } from "./views.ts";

/** What may stand at the end of a line. */
export interface Completion {
  readonly candidates: readonly string[];
  /** The end of the line that a candidate replaces. */
  readonly replaced: string;
}

/** Looks up what only the peer knows: the names of block nodes or of exports. Resolves with none if it does not tell. */
export type NameLookup = (kind: "node" | "export") => Promise<readonly string[]>;

/** More candidates help nobody. */
const MOST_CANDIDATES = 500;
const LONGEST_CANDIDATE = 200;

/** Members whose text is the name of a node that is there. */
const NODE_MEMBERS: ReadonlySet<string> = new Set([
  "node-name",
  "device",
  "file",
  "backing",
  "node",
  "source",
  "target",
  "base-node",
  "top-node",
  "overlay",
]);

/** Completes a line up to the cursor. */
export async function completeLine(line: string, schema: PeerSchema, lookup: NameLookup): Promise<Completion> {
  const { words, isOpen } = splitWords(line);
  const texts = words.map(({ text }) => text);
  const current = isOpen ? (texts.pop() ?? "") : "";
  if (texts[0] === "exec-oob") texts.shift();
  const [first, ...rest] = texts;
  if (first === undefined) return fitting(current, nameCandidates(schema, words.length <= 1));
  if (first === "info") return fitting(current, rest.length === 0 ? VIEWS.map(({ name }) => `${name} `) : []);
  if (first === "events") return fitting(current, rest.length === 0 ? ["on ", "off "] : []);
  const [topic, ...given] = first === "help" ? rest : texts;
  if (topic === undefined) return fitting(current, topicCandidates(schema));
  const root = schema.commands.get(topic)?.argumentType;
  const equals = current.indexOf("=");
  const tree = readTree(given);
  if (equals < 0) return fitting(current, keyCandidates(schema, root, tree, current));
  const key = current.slice(0, equals);
  return fitting(current.slice(equals + 1), await valueCandidates(schema, root, tree, { command: topic, key, lookup }));
}

function fitting(typed: string, candidates: readonly string[]): Completion {
  const fit = candidates.filter((candidate) => candidate.startsWith(typed) && isHarmless(candidate));
  return { candidates: fit.slice(0, MOST_CANDIDATES), replaced: typed };
}

/** Candidates reach the terminal as they are, and names are a peer's. */
function isHarmless(candidate: string): boolean {
  return candidate.length <= LONGEST_CANDIDATE && /^[!-~]+ ?$/.test(candidate);
}

function nameCandidates(schema: PeerSchema, isFirst: boolean): string[] {
  const own = isFirst ? [...LOCAL_NAMES, "exec-oob"] : [];
  return [...own, ...schema.commands.keys()].toSorted().map((name) => `${name} `);
}

function topicCandidates(schema: PeerSchema): string[] {
  return [...schema.commands.keys(), ...schema.events.keys()].toSorted().map((name) => `${name} `);
}

/** The tree of the words that make sense. */
function readTree(words: readonly string[]): GivenMembers {
  const sensible = words.filter((word) => /^[^=]+=/.test(word));
  try {
    return readArgumentTree(sensible);
  } catch {
    return new Map();
  }
}

function keyCandidates(schema: PeerSchema, root: string | undefined, tree: GivenMembers, current: string): string[] {
  const dot = current.lastIndexOf(".");
  const prefix = current.slice(0, dot + 1);
  const fragments = dot < 0 ? [] : current.slice(0, dot).split(".");
  const found = followPath(schema, root, fragments, tree);
  if (found === undefined) return [];
  const given = found.given?.kind === "tree" ? found.given.members : undefined;
  const type = schema.types.get(found.type);
  if (type?.kind === "array") return endings(schema, type.element).map((end) => `${prefix}${given?.size ?? 0}${end}`);
  const object = objectType(schema, found.type);
  if (object === undefined) return [];
  const typed = current.slice(dot + 1);
  return membersGiven(schema, object, given)
    .filter(({ name, deprecated }) => !deprecated || (typed !== "" && name.startsWith(typed)))
    .filter(({ name }) => given?.get(name) === undefined || given.get(name)?.kind === "tree")
    .toSorted((a, b) => Number(a.optional) - Number(b.optional))
    .flatMap(({ name, type }) => endings(schema, type).map((end) => `${prefix}${name}${end}`));
}

/** What comes after a key: its value, more of the key, or either. */
function endings(schema: PeerSchema, typeName: string): string[] {
  const type = schema.types.get(typeName);
  if (type?.kind === "object" || type?.kind === "array") return ["."];
  if (type?.kind !== "alternate") return ["="];
  const kinds = type.branches.map((branch) => schema.types.get(branch)?.kind);
  return [...new Set(kinds.map((kind) => (kind === "object" || kind === "array" ? "." : "=")))];
}

interface ValuePlace {
  readonly command: string;
  readonly key: string;
  readonly lookup: NameLookup;
}

async function valueCandidates(
  schema: PeerSchema,
  root: string | undefined,
  tree: GivenMembers,
  { command, key, lookup }: ValuePlace,
): Promise<string[]> {
  const fragments = key.split(".");
  const name = fragments.at(-1) ?? "";
  const found = followPath(schema, root, fragments, tree);
  const type = found === undefined ? undefined : schema.types.get(found.type);
  const words = type === undefined ? [] : wordsOf(schema, type);
  const names = await lookupNames(command, key, name, lookup);
  return [...words, ...names].map((word) => `${word} `);
}

/** The values that a type has words for. */
function wordsOf(schema: PeerSchema, type: PeerType): string[] {
  if (type.kind === "enum") return [...type.values];
  if (type.kind === "builtin") return type.json === "boolean" ? ["on", "off"] : type.json === "null" ? ["null"] : [];
  if (type.kind !== "alternate") return [];
  const branches = type.branches.flatMap((branch) => schema.types.get(branch) ?? []);
  return branches.filter(({ kind }) => kind !== "alternate").flatMap((branch) => wordsOf(schema, branch));
}

async function lookupNames(command: string, key: string, name: string, lookup: NameLookup): Promise<readonly string[]> {
  if (command === "block-export-del" && key === "id") return lookup("export");
  // The name of a node that is to be made is a new one.
  if (!NODE_MEMBERS.has(name) || (command === "blockdev-add" && name === "node-name")) return [];
  return lookup("node");
}
