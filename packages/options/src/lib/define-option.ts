import { parseJsonText } from "@rehandle/json";
import { JSON_LIMITS } from "./bounds.ts";
import { convert } from "./convert.ts";
import { helpLines } from "./help.ts";
import { parseKeyval } from "./keyval.ts";
import type { KeyvalObject } from "./keyval-tree.ts";
import type { TypedOptionDescription } from "./option-description.ts";
import { OptionError } from "./option-error.ts";
import { findType, type TypeCatalog } from "./type-catalog.ts";
import type { TypeName, TypeOf } from "./type-of.ts";

/** The description of a command line option whose argument is keyval or JSON. */
export interface OptionDefinition<C extends TypeCatalog, N extends TypeName<C>> extends TypedOptionDescription {
  readonly types: C;
  readonly type: N;
  /** Default: `help` is refused, as QEMU does for `--blockdev`. */
  readonly allowHelp?: boolean;
}

/** An argument's meaning: a value, or a cry for help and the text that answers it. */
export type ParsedOption<T> =
  | { readonly kind: "value"; readonly value: T }
  | {
      readonly kind: "help";
      readonly text: string;
      /** What the argument chose of a union, which need not exist; undefined if nothing. */
      readonly choice: string | undefined;
    };

/** A command line option, ready to use. */
export interface Option<T> {
  readonly flag: string;
  /** What it was made of: for `formatOptionHelp`, `formatOptionMarkdown`, `formatOptionRoff` and `completeOption`. */
  readonly description: TypedOptionDescription;
  /** Parses an argument: JSON if its first byte is `{`, else keyval. @throws OptionError */
  parse(argument: string): ParsedOption<T>;
  /** Parses an argument where help cannot be given. @throws OptionError */
  parseValue(argument: string): T;
  /** Checks a JSON object, as it comes in a QMP command. @throws OptionError */
  fromJson(value: unknown): T;
  /** Checks a tree of texts, as `parseKeyval` and `parseFileName` make it. @throws OptionError */
  fromKeyval(tree: KeyvalObject): T;
  /** The members, one a line; of a union the choices, or the members of one choice. */
  helpText(choice?: string): string;
}

/** Makes the parser, the checks and the help of a command line option out of its description. */
export function defineOption<const C extends TypeCatalog, N extends TypeName<C>>(
  definition: OptionDefinition<C, N>,
): Option<TypeOf<C, N>> {
  type Value = TypeOf<C, N>;
  const { types, type } = definition;
  const fromKeyval = (tree: KeyvalObject): Value => convert(types, type, tree, "keyval");
  const fromJson = (value: unknown): Value => convert(types, type, value, "json");
  const helpText = (choice?: string): string => {
    const caption = choice === undefined ? `${definition.flag} options:` : `${choice} options:`;
    return [caption, ...helpLines(types, type, choice)].join("\n");
  };
  const parse = (argument: string): ParsedOption<Value> => {
    if (argument.startsWith("{")) return { kind: "value", value: fromJson(parseJsonObject(argument)) };
    const { tree, help } = parseKeyval(argument, definition);
    const choice = choiceIn(definition, tree);
    if (help) return { kind: "help", text: helpText(choice), choice };
    return { kind: "value", value: fromKeyval(tree) };
  };
  return {
    flag: definition.flag,
    description: definition,
    parse,
    parseValue(argument) {
      const parsed = parse(argument);
      if (parsed.kind === "value") return parsed.value;
      throw new OptionError("Help is not available for this option", { code: "help" });
    },
    fromJson,
    fromKeyval,
    helpText,
  };
}

/** What the argument chose of a union so far. */
function choiceIn(definition: { types: TypeCatalog; type: string }, tree: KeyvalObject): string | undefined {
  const description = findType(definition.types, definition.type);
  if (description === undefined || !("union" in description)) return undefined;
  const choice = tree[description.discriminator];
  return typeof choice === "string" ? choice : undefined;
}

function parseJsonObject(argument: string): unknown {
  const { value, error } = parseJsonText(argument, JSON_LIMITS);
  if (error === undefined) return value;
  throw new OptionError(error, { code: "syntax" });
}
