import { parseJsonText, isJsonObject } from "@rehandle/json";
import { flattenJson, type FlatOptions } from "./keyval-flatten.ts";
import { parseNbdName } from "./nbd-name.ts";
import { OptionError } from "./option-error.ts";

/**
 * What a file name says: a node of the graph by its dotted options (`json:{…}`), or a protocol driver by its own
 * (`nbd:…`, `file:…`, a plain path).
 */
export interface FileName {
  /** True for `json:`: the options are those of the whole node, and not only of its protocol. */
  readonly isNode: boolean;
  /** Always with `driver`, unless a `json:` name has none. */
  readonly options: FlatOptions;
}

/** The protocols that a name may start with, and the drivers behind them. */
const NBD_PROTOCOLS: readonly string[] = ["nbd", "nbd+tcp", "nbd+unix"];

/**
 * Parses a file name as QEMU's block layer does: `json:{…}`, `PROTOCOL:…`, or the path of a file. A colon behind the
 * first slash does not make a protocol, so that `./a:b` is a path.
 *
 * @throws OptionError in QEMU's words
 */
export function parseFileName(name: string): FileName {
  if (name.startsWith("json:")) return { isNode: true, options: parseJsonName(name.slice("json:".length)) };
  const protocol = protocolOf(name);
  if (protocol === undefined) return protocolNode("file", [["filename", name]]);
  if (protocol === "file") return protocolNode("file", [["filename", name.slice("file:".length)]]);
  if (NBD_PROTOCOLS.includes(protocol)) return protocolNode("nbd", parseNbdName(name));
  throw new OptionError(`Unknown protocol '${protocol}'`, { code: "invalid-value", path: "file" });
}

function protocolNode(driver: string, options: Iterable<readonly [string, string]>): FileName {
  return { isNode: false, options: new Map([["driver", driver], ...options]) };
}

/** What stands before the first colon, if no slash comes first. */
function protocolOf(name: string): string | undefined {
  const end = name.search(/[:/]/);
  return end >= 0 && name[end] === ":" ? name.slice(0, end) : undefined;
}

function parseJsonName(text: string): FlatOptions {
  const { value, error } = parseJsonText(text);
  if (error !== undefined) {
    throw new OptionError(`Could not parse the JSON options: ${error}`, { code: "syntax", path: "file" });
  }
  if (isJsonObject(value)) return flattenJson(value);
  throw new OptionError("Invalid JSON object given", { code: "invalid-type", path: "file" });
}
