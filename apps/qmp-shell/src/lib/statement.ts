import { isJsonObject, parseJsonText, type JsonObject, type JsonValue } from "@rehandle/json";
import { UsageError } from "./usage-error.ts";

/** The shell's own words. No command of QMP has such a name. */
export const LOCAL_NAMES = ["help", "info", "events", "reconnect", "exit"] as const;

/** One of the shell's own words. */
type LocalName = (typeof LOCAL_NAMES)[number];

/** What a line wants done. */
export type Statement =
  | { readonly kind: "local"; readonly name: LocalName; readonly words: readonly string[] }
  | { readonly kind: "command"; readonly name: string; readonly words: readonly string[]; readonly oob: boolean }
  | {
      readonly kind: "message";
      readonly name: string;
      readonly args: JsonObject;
      readonly oob: boolean;
      readonly id: JsonValue | undefined;
    };

/** The word before a command that is to overtake others. */
const OOB = "exec-oob";

const ENVELOPE: ReadonlySet<string> = new Set(["execute", "exec-oob", "arguments", "id"]);

/** What the words of a line want done; several things if they are whole messages. @throws UsageError */
export function readStatements(words: readonly string[]): Statement[] {
  const [first = "", ...rest] = words;
  if (words.length === 0) return [];
  if (first.startsWith("{")) return words.map(readMessage);
  if (isLocalName(first)) return [{ kind: "local", name: first, words: rest }];
  if (first !== OOB) return [{ kind: "command", name: first, words: rest, oob: false }];
  const [name, ...args] = rest;
  if (name === undefined) throw new UsageError(`${OOB} needs a command`);
  return [{ kind: "command", name, words: args, oob: true }];
}

function isLocalName(word: string): word is LocalName {
  return (LOCAL_NAMES as readonly string[]).includes(word);
}

/** A message of QMP as it is on the wire. @throws UsageError in QEMU's words */
function readMessage(text: string): Statement {
  const { value, error } = parseJsonText(text);
  if (error !== undefined) throw new UsageError(error);
  if (!isJsonObject(value)) throw new UsageError("QMP input must be a JSON object");
  for (const key of Object.keys(value)) {
    if (!ENVELOPE.has(key)) throw new UsageError(`QMP input member '${key}' is unexpected`);
  }
  const { execute, [OOB]: oob, arguments: args = {}, id } = value;
  if (execute !== undefined && oob !== undefined)
    throw new UsageError(`QMP input member '${OOB}' clashes with 'execute'`);
  const name = execute ?? oob;
  if (name === undefined) throw new UsageError("QMP input lacks member 'execute'");
  if (typeof name !== "string") {
    throw new UsageError(`QMP input member '${oob === undefined ? "execute" : OOB}' must be a string`);
  }
  if (!isJsonObject(args)) throw new UsageError("QMP input member 'arguments' must be an object");
  return { kind: "message", name, args, oob: oob !== undefined, id };
}
