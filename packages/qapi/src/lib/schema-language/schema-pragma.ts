import type { Expression } from "./schema-expression.ts";

/** What the `pragma` directives of all files say; it holds for all files, whatever the order. */
export interface SchemaPragma {
  /** Every definition needs a documentation comment. */
  docRequired: boolean;
  /** Commands whose names may have `_`. */
  commandNameExceptions: readonly string[];
  /** Commands that may return something else than an object or a list of objects. */
  commandReturnsExceptions: readonly string[];
  /** Types whose members' names may have `_` and capitals. */
  memberNameExceptions: readonly string[];
}

/** What holds if there is no directive. */
export function createPragma(): SchemaPragma {
  return { docRequired: false, commandNameExceptions: [], commandReturnsExceptions: [], memberNameExceptions: [] };
}

/** Takes one member of a directive. `error` makes a complaint. */
export function applyPragma(
  pragma: SchemaPragma,
  name: string,
  value: Expression,
  error: (problem: string) => Error,
): void {
  if (name === "doc-required") {
    if (typeof value !== "boolean") throw error("pragma 'doc-required' must be boolean");
    pragma.docRequired = value;
    return;
  }
  const key = LISTS.get(name);
  if (key === undefined) throw error(`unknown pragma '${name}'`);
  const isList = Array.isArray(value) && value.every((item) => typeof item === "string");
  if (!isList) throw error(`pragma ${name} must be a list of strings`);
  pragma[key] = value;
}

const LISTS: ReadonlyMap<string, "commandNameExceptions" | "commandReturnsExceptions" | "memberNameExceptions"> =
  new Map([
    ["command-name-exceptions", "commandNameExceptions"],
    ["command-returns-exceptions", "commandReturnsExceptions"],
    ["member-name-exceptions", "memberNameExceptions"],
  ]);
