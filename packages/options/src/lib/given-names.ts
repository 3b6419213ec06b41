import { parseJsonText } from "@rehandle/json";
import { JSON_LIMITS } from "./bounds.ts";
import { memberAt } from "./completion-keys.ts";
import { scanUnfinished } from "./completion-scan.ts";
import type { OptionDescription, TypedOptionDescription } from "./option-description.ts";

/** Names by the kind of what they name: `node`, `chardev`. */
export type GivenNames = ReadonlyMap<string, readonly string[]>;

/** Nobody nests options deeper than this. */
const DEEPEST = 32;

/** The names that finished arguments give to new things. Whatever is wrong with an argument is passed over. */
export function givenNames(given: Iterable<readonly [OptionDescription, string]>): GivenNames {
  const names = new Map<string, string[]>();
  for (const [option, argument] of given) {
    for (const [kind, name] of namesIn(option, argument)) {
      const known = names.get(kind);
      if (known === undefined) names.set(kind, [name]);
      else known.push(name);
    }
  }
  return names;
}

function namesIn(option: OptionDescription, argument: string): [string, string][] {
  if ("types" in option) return namesInTyped(option, argument);
  if (!("known" in option) || option.names === undefined) return [];
  const id = scanUnfinished(`${argument},`, option.impliedKey).given.get("id");
  return id === undefined ? [] : [[option.names, id]];
}

function namesInTyped({ types, type, impliedKey }: TypedOptionDescription, argument: string): [string, string][] {
  const given = argument.startsWith("{") ? flattenJson(argument) : scanUnfinished(`${argument},`, impliedKey).given;
  return [...given].flatMap(([key, value]): [string, string][] => {
    const kind = memberAt(types, type, key, given)?.names;
    return kind === undefined ? [] : [[kind, value]];
  });
}

/** The texts in a JSON object by their dotted keys. */
function flattenJson(argument: string): Map<string, string> {
  const flat = new Map<string, string>();
  const { value: root } = parseJsonText(argument, JSON_LIMITS);
  const queue = [{ prefix: "", value: root, depth: 0 }];
  for (const { prefix, value, depth } of queue) {
    if (typeof value === "string") flat.set(prefix, value);
    if (typeof value !== "object" || value === null || depth > DEEPEST) continue;
    for (const [key, inner] of Object.entries(value)) {
      queue.push({ prefix: prefix === "" ? key : `${prefix}.${key}`, value: inner, depth: depth + 1 });
    }
  }
  return flat;
}
