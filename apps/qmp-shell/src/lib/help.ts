import { nearestHint } from "@rehandle/options";
import type { GivenMembers } from "./argument-tree.ts";
import type { Palette } from "./palette.ts";
import type { Member, PeerCommand, PeerEventInfo, PeerSchema } from "./peer-schema.ts";
import { printable } from "./printable.ts";
import { membersGiven, objectType } from "./schema-path.ts";
import { typeText } from "./type-text.ts";
import { UsageError } from "./usage-error.ts";
import { VIEWS } from "./views.ts";

/** Dotted keys go so deep in help; what is below shows once its tag is given. */
const DEEPEST = 3;

/** More lines are not shown of one command. */
const MOST_LINES = 200;

/** The shell's own words, and all commands of the peer. */
export function formatHelp(schema: PeerSchema, palette: Palette, columns: number): string {
  const own: [usage: string, what: string][] = [
    ["help [COMMAND [KEY=VALUE]…]", "this, or what a command or an event takes"],
    ["info VIEW", `a table: ${VIEWS.map(({ name }) => name).join(", ")}`],
    ["events on|off", "show events, or do not"],
    ["reconnect", "connect anew"],
    ["exit", "end, as Ctrl-D does; quit would end the peer"],
    ["exec-oob COMMAND …", "a command that overtakes those that wait"],
    ['{"execute": …}', "a whole message, sent as it is"],
  ];
  const lines = own.map(([usage, what]) => `  ${usage.padEnd(28)}  ${what}`);
  const names = [...schema.commands.keys()].toSorted().map(printable);
  const heading = names.length === 0 ? "The peer does not tell its commands." : `${names.length} commands of the peer:`;
  return [palette.bold("The shell's own:"), ...lines, palette.bold(heading), ...inColumns(names, columns)].join("\n");
}

/**
 * What a command takes and returns, or what comes with an event. What is given already decides on the members of unions.
 *
 * @throws UsageError if the peer does not have it
 */
export function formatTopic(schema: PeerSchema, name: string, given: GivenMembers, palette: Palette): string {
  const command = schema.commands.get(name);
  if (command !== undefined) return formatCommand(schema, command, given, palette);
  const event = schema.events.get(name);
  if (event !== undefined) return formatEvent(schema, event, palette);
  const hints = nearestHint(name, [...schema.commands.keys(), ...schema.events.keys()]);
  throw new UsageError(`The command ${printable(name)} has not been found`, hints);
}

function formatCommand(schema: PeerSchema, command: PeerCommand, given: GivenMembers, palette: Palette): string {
  const { name, argumentType, resultType, allowOob, features } = command;
  const marks = [...features.map(printable), ...(allowOob ? ["may be sent by exec-oob"] : [])];
  const lines = [heading(name, marks, palette)];
  if (argumentType === undefined) return [...lines, "  the peer does not tell what it takes"].join("\n");
  lines.push(...memberLines(schema, argumentType, given, palette, "it takes no arguments"));
  if (resultType !== undefined) {
    const result = resultText(schema, resultType);
    lines.push(palette.dim(result === undefined ? "returns nothing" : `returns ${result}`));
  }
  return lines.join("\n");
}

function formatEvent(schema: PeerSchema, event: PeerEventInfo, palette: Palette): string {
  const lines = [heading(event.name, ["event", ...event.features.map(printable)], palette)];
  return [...lines, ...memberLines(schema, event.dataType ?? "", new Map(), palette, "it has no data")].join("\n");
}

function heading(name: string, marks: readonly string[], palette: Palette): string {
  return palette.bold(printable(name)) + (marks.length === 0 ? "" : ` (${marks.join(", ")})`);
}

/** The result's type; undefined for an object without members. */
function resultText(schema: PeerSchema, name: string): string | undefined {
  const type = schema.types.get(name);
  if (type?.kind === "array") {
    const isObject = schema.types.get(type.element)?.kind === "object";
    return isObject ? `[${resultText(schema, type.element) ?? "object"}]` : typeText(schema, name);
  }
  if (type?.kind !== "object") return typeText(schema, name);
  if (type.members.length === 0) return undefined;
  return `{${type.members.map((member) => printable(member.name)).join(", ")}}`;
}

interface Line {
  readonly key: string;
  readonly type: string;
  readonly marks: readonly string[];
}

function memberLines(
  schema: PeerSchema,
  typeName: string,
  given: GivenMembers,
  palette: Palette,
  none: string,
): string[] {
  const lines: Line[] = [];
  collect(schema, typeName, given, "", 1, lines);
  if (lines.length === 0) return [`  ${none}`];
  const listed = lines.slice(0, MOST_LINES);
  const width = listed.reduce((widest, { key }) => Math.max(widest, key.length), 0);
  const texts = listed.map(({ key, type, marks }) => {
    const padded = palette.key(key) + " ".repeat(width - key.length);
    return `  ${padded}  ${[type, ...marks.map((mark) => palette.dim(mark))].join(", ")}`;
  });
  return lines.length > MOST_LINES ? [...texts, `  … and ${lines.length - MOST_LINES} more`] : texts;
}

/** Adds a line for each member, and for those of the objects among them. */
function collect(
  schema: PeerSchema,
  typeName: string,
  given: GivenMembers | undefined,
  prefix: string,
  depth: number,
  lines: Line[],
): void {
  const type = objectType(schema, typeName);
  if (type === undefined || lines.length > MOST_LINES) return;
  for (const member of membersGiven(schema, type, given)) {
    const key = `${prefix}${printable(member.name)}`;
    const decides = member.name === type.tag && given?.get(member.name) === undefined && type.variants.size > 0;
    lines.push({ key, type: typeText(schema, member.type), marks: marksOf(member, decides) });
    const below = given?.get(member.name);
    const isOpen = schema.types.get(member.type)?.kind === "object" || below?.kind === "tree";
    if (!isOpen || depth >= DEEPEST) continue;
    collect(schema, member.type, below?.kind === "tree" ? below.members : undefined, `${key}.`, depth + 1, lines);
  }
}

function marksOf({ optional, deprecated }: Member, decides: boolean): string[] {
  const marks: [string, boolean][] = [
    ["optional", optional],
    ["deprecated", deprecated],
    ["its value decides on more", decides],
  ];
  return marks.flatMap(([mark, has]) => (has ? [mark] : []));
}

/** Words in columns, as `ls` has them. */
function inColumns(words: readonly string[], columns: number): string[] {
  const width = words.reduce((widest, word) => Math.max(widest, word.length), 0) + 2;
  const count = Math.max(1, Math.floor((columns - 2) / width));
  const height = Math.ceil(words.length / count);
  return Array.from({ length: height }, (_, row) => {
    const line = Array.from({ length: count }, (_, column) => words[column * height + row] ?? "");
    return `  ${line.map((word) => word.padEnd(width)).join("")}`.trimEnd();
  });
}
