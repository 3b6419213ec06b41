import type { DocComment } from "../schema-language/doc-comment.ts";
import { formatCondition, type Condition } from "../schema-language/schema-condition.ts";
import type { Feature } from "../schema-language/schema-definition.ts";

/** What a comment is made from. */
interface Documented {
  readonly condition: Condition | undefined;
  readonly features?: readonly Feature[];
}

/** Sections that would make the code long and that an editor's hint has no use for. */
const LEFT_OUT: ReadonlySet<string | undefined> = new Set(["Example", "Examples", "TODO"]);

/** The comment of a definition; `listed` are members that have no place of their own in TypeScript, such as an enum's values. */
export function definitionComment(
  documented: Documented,
  doc: DocComment | undefined,
  listed: readonly string[],
  indent: string,
): string {
  const paragraphs = [doc?.body ?? ""];
  const items = listed.flatMap((name) => {
    const text = doc?.members.get(name) ?? "";
    return text === "" ? [] : [`- \`${name}\`: ${text.replaceAll("\n", "\n  ")}`];
  });
  paragraphs.push(items.join("\n"));
  const tags: string[] = [];
  for (const { tag, text } of doc?.sections ?? []) {
    if (tag === "Returns") tags.push(`@returns ${text}`);
    else if (tag === "Since") tags.push(`@since ${text}`);
    else if (!LEFT_OUT.has(tag)) paragraphs.push(tag === undefined ? text : `${tag}: ${text}`);
  }
  const { notes, deprecation } = notesOf(documented, doc);
  return comment([...paragraphs, ...notes], [...tags, ...deprecation], indent);
}

/** The comment of a member. */
export function memberComment(
  name: string,
  documented: Documented,
  doc: DocComment | undefined,
  indent: string,
): string {
  const { notes, deprecation } = notesOf(documented, doc);
  return comment([doc?.members.get(name) ?? "", ...notes], deprecation, indent);
}

function notesOf(
  { condition, features = [] }: Documented,
  doc: DocComment | undefined,
): { notes: readonly string[]; deprecation: readonly string[] } {
  const notes: string[] = [];
  const deprecation: string[] = [];
  for (const { name } of features) {
    const text = doc?.features.get(name) ?? "";
    if (name === "deprecated") deprecation.push(`@deprecated ${text}`);
    else if (name === "unstable") notes.push(`Unstable: ${text}`);
    else notes.push(`Feature \`${name}\`: ${text}`);
  }
  if (condition !== undefined) notes.push(`Only if ${formatCondition(condition)}.`);
  return { notes, deprecation };
}

function comment(paragraphs: readonly string[], tags: readonly string[], indent: string): string {
  const parts = paragraphs.filter((text) => text !== "");
  const blocks = [parts.join("\n\n"), tags.join("\n")].filter((text) => text !== "");
  if (blocks.length === 0) return "";
  const lines = inMarkdown(blocks.join("\n\n")).split("\n");
  const [only = ""] = lines;
  if (lines.length === 1 && only.length + indent.length <= 112) return `${indent}/** ${only} */\n`;
  const text = lines.map((line) => `${indent} * ${line}`.trimEnd()).join("\n");
  return `${indent}/**\n${text}\n${indent} */\n`;
}

/** QAPI's `@name` refers to a name; what would end the comment does not. */
function inMarkdown(text: string): string {
  return text
    .replaceAll(/(?<![\w`@])@(?!(?:returns|since|deprecated) )([A-Za-z_][\w-]*)/g, "`$1`")
    .replaceAll("*/", "*\\/")
    .replaceAll(/[ \t]+$/gm, "");
}
