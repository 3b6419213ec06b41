import { generateTypeScript } from "../../lib/schema-generator/generate-typescript.ts";
import { introspectSchema } from "../../lib/schema-language/introspect-schema.ts";
import { readQapiSchema } from "../../lib/schema-language/read-schema.ts";
import { isQapiSchemaError } from "../../lib/schema-language/schema-error.ts";
import { selectDefined } from "../../lib/schema-language/select-defined.ts";
import { largeSchema } from "../large-schema.ts";
import { Dice } from "./dice.ts";

const SIZE = { files: 2, enums: 3, structs: 12, unions: 2, alternates: 2, commands: 4, events: 2 };

/** The words, marks and spaces of a schema that has everything. */
function tokensOf(seed: number): string[] {
  const text = [...largeSchema(SIZE, seed).values()].at(-1) ?? "";
  return text.split(/(?=[\s'{}[\]:,#])|(?<=[\s'{}[\]:,#])/);
}

/** Reads a schema and does all that can be done with it: "read", or the complaint. */
function tryAll(text: string): string {
  try {
    const schema = readQapiSchema("a.json", (path) => (path === "a.json" ? text : undefined));
    introspectSchema(schema);
    generateTypeScript(schema);
    introspectSchema(selectDefined(schema, new Set(["CONFIG_A"])));
    return "read";
  } catch (error) {
    if (isQapiSchemaError(error)) return error.message;
    throw error;
  }
}

/** Reads one schema with pieces missing, doubled or moved. Returns its length. */
export function fuzzSchema(seed: number): number {
  const dice = new Dice(seed);
  const tokens = tokensOf(dice.below(50));
  const parts = [...tokens];
  for (let edits = dice.below(6); edits > 0; edits--) {
    const [at, from] = [dice.below(parts.length), dice.below(tokens.length)];
    const kind = dice.below(5);
    if (kind === 0) parts.splice(at, 1);
    else if (kind === 1) parts[at] = tokens[from] ?? "";
    else if (kind === 2) parts.splice(at, 0, tokens[from] ?? "");
    else if (kind === 3) parts.splice(at, 1, ...tokens.slice(from, from + 20));
    else parts.splice(at, 0, dice.pick(["'", "\\", "\u0000", "é", "##\n", "# @a:", "__proto__", "'if'", "\t"]));
  }
  if (dice.oneIn(50)) parts.push(dice.pick(tokens).repeat(dice.below(20_000)));
  const text = parts.join("");
  const outcome = tryAll(text);
  if (outcome !== "read" && !/a\.json:\d+/.test(outcome)) throw new Error(`a complaint without its place: ${outcome}`);
  return text.length;
}
