import { wrapWords } from "./wrap-text.ts";
import { takesArgument, type OptionDescription, type OptsOptionDescription } from "./option-description.ts";
import { isObject, membersOf } from "./option-sections.ts";
import { findType, structMembers, type ResolvedMember, type TypeCatalog } from "./type-catalog.ts";

/** Of a union with more choices than this, the usage shows what they have in common. */
const MOST_CHOICES = 4;
/** Lists of words that are longer than this are called by their key. */
const LONGEST_WORDS = 32;

/** One item of an argument: `id=<id>`. */
interface UsageItem {
  readonly text: string;
  readonly required: boolean;
}

/**
 * How an option is written, one text for each form that its argument has, in pieces between which a line may end:
 * `--export [type=]nbd`, `,id=<id>`, `[,writable=on|off]`.
 */
function optionUsages(option: OptionDescription): string[][] {
  const flags = option.shortFlag === undefined ? option.flag : `${option.shortFlag}, ${option.flag}`;
  if (!takesArgument(option)) return [[flags]];
  return argumentUsages(option).map(([first = "", ...others]) => [`${flags} ${first}`, ...others]);
}

/** The same in lines of a width, those after the first indented up to where the argument stands. */
export function formatOptionUsage(
  option: OptionDescription,
  { width = 80, indent = 0 }: { readonly width?: number; readonly indent?: number } = {},
): string {
  const margin = " ".repeat(indent);
  const hanging = margin + " ".repeat(option.flag.length + 1);
  return optionUsages(option)
    .flatMap((pieces) => wrapWords(pieces, { width, first: margin, margin: hanging, between: "" }))
    .join("\n");
}

function argumentUsages(option: OptionDescription): string[][] {
  if ("known" in option) return optsUsages(option);
  if (!("types" in option)) return [[`<${"argument" in option ? option.argument : ""}>`]];
  const { types, type, impliedKey } = option;
  return usagesOf(types, type, "", [type]).map((items) => {
    const rank = ({ text, required }: UsageItem): number => (text.startsWith(`${impliedKey}=`) ? 0 : required ? 1 : 2);
    const sorted = items.toSorted((a, b) => rank(a) - rank(b));
    return sorted.map(({ text, required }, at) => {
      if (at > 0) return required ? `,${text}` : `[,${text}]`;
      if (impliedKey === undefined || !text.startsWith(`${impliedKey}=`)) return required ? text : `[${text}]`;
      return `[${impliedKey}=]${text.slice(impliedKey.length + 1)}`;
    });
  });
}

function optsUsages({ usages, known, impliedKey }: OptsOptionDescription): string[][] {
  if (usages !== undefined) return usages.map((usage) => usage.split(/(?=\[,)|(?<=[^[])(?=,)/));
  const first = impliedKey === undefined ? "<key>=<value>" : `[${impliedKey}=]<${impliedKey}>`;
  return [Object.keys(known).length > 1 ? [first, "[,...]"] : [first]];
}

/** The items of a struct or a union, for each of its forms. */
function usagesOf(
  types: TypeCatalog,
  name: string,
  path: string,
  open: readonly string[],
  words?: readonly string[],
): UsageItem[][] {
  const description = findType(types, name);
  const own = membersOf(types, name);
  if (description === undefined || !("union" in description)) return formsOf(types, own, path, open);
  const choices = Object.entries(description.branches).filter(([value]) => words?.includes(value) ?? true);
  const key = description.discriminator;
  if (choices.length > MOST_CHOICES) {
    const more = { text: `${path}${key} specific parameters...`, required: false };
    return formsOf(types, own, path, open).map((items) => [...items, more]);
  }
  return choices.flatMap(([value, branch]) => {
    const others = own.filter((member) => member.name !== key);
    const members = [...others, ...structMembers(types, branch).filter(({ hidden }) => hidden !== true)];
    const choice = { text: `${path}${key}=${value}`, required: true };
    return formsOf(types, members, path, open).map((items) => [choice, ...items]);
  });
}

function formsOf(
  types: TypeCatalog,
  members: readonly ResolvedMember[],
  path: string,
  open: readonly string[],
): UsageItem[][] {
  let forms: UsageItem[][] = [[]];
  for (const member of members) {
    const more = usagesOfMember(types, member, path, open);
    forms = forms.flatMap((form) => more.map((items) => [...form, ...items]));
  }
  return forms;
}

/** A member that has members itself is written as these; if it has choices and may be left out, they are left out here. */
function usagesOfMember(
  types: TypeCatalog,
  member: ResolvedMember,
  path: string,
  open: readonly string[],
): UsageItem[][] {
  const { name, type, optional } = member;
  const key = path + name;
  if (typeof type !== "string" || open.includes(type) || !isObject(types, type)) {
    return [[{ text: `${key}=${placeholder(types, member)}`, required: !optional }]];
  }
  const forms = usagesOf(types, type, `${key}.`, [...open, type], member.words);
  if (!optional) return forms;
  if (forms.length > 1) return [[{ text: `${key}...`, required: false }]];
  return forms.map((items) => items.map((item) => ({ ...item, required: false })));
}

const NUMBERS = /^u?int[0-9]*$|^number$|^size$/;

function placeholder(types: TypeCatalog, { name, type, unit, words: sensible }: ResolvedMember): string {
  if (type === "bool") return "on|off";
  if (typeof type === "string" && NUMBERS.test(type)) return `<${unit ?? "n"}>`;
  const description = typeof type === "string" ? findType(types, type) : undefined;
  const words = description !== undefined && "enum" in description ? (sensible ?? description.enum).join("|") : "";
  return words !== "" && words.length <= LONGEST_WORDS ? words : `<${name}>`;
}
