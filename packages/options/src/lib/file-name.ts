import { parseJsonText, isJsonObject } from "@rehandle/json";
import { JSON_LIMITS } from "./bounds.ts";
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
const PROTOCOLS: ReadonlyMap<string, string> = new Map([
  ["file", "file"],
  ["nbd", "nbd"],
  ["nbd+tcp", "nbd"],
  ["nbd+unix", "nbd"],
  ["null-co", "null-co"],
  ["null-aio", "null-aio"],
]);

/**
 * Parses a file name as QEMU's block layer does: `json:{…}`, `PROTOCOL:…`, or the path of a file. A colon behind the
 * first slash does not make a protocol, so that `./a:b` is a path.
 *
 * @throws OptionError in QEMU's words
 */
export function parseFileName(name: string): FileName {
  if (name.startsWith("json:")) return { isNode: true, options: parseJsonName(name.slice("json:".length)) };
  const protocol = protocolOf(name);
  const driver = protocol === undefined ? "file" : PROTOCOLS.get(protocol);
  const options = driver === undefined ? undefined : parseProtocolName(driver, name);
  if (options !== undefined) return { isNode: false, options };
  throw new OptionError(`Unknown protocol '${protocol ?? ""}'`, { code: "invalid-value", path: "file" });
}

/**
 * The options that a name means to a protocol driver which is known already; undefined for a driver that has no names of
 * its own.
 *
 * @throws OptionError in QEMU's words
 */
export function parseProtocolName(driver: string, name: string): FlatOptions | undefined {
  if (driver === "file") return ownNode(driver, [["filename", name.startsWith("file:") ? name.slice(5) : name]]);
  if (driver === "nbd") return ownNode(driver, parseNbdName(name));
  if (driver !== "null-co" && driver !== "null-aio") return undefined;
  if (name === `${driver}://`) return ownNode(driver, []);
  throw new OptionError(`The only allowed filename for this driver is '${driver}://'`, {
    code: "invalid-value",
    path: "file",
  });
}

function ownNode(driver: string, options: Iterable<readonly [string, string]>): FlatOptions {
  return new Map([["driver", driver], ...options]);
}

/** What stands before the first colon, if no slash comes first. */
function protocolOf(name: string): string | undefined {
  const end = name.search(/[:/]/);
  return end >= 0 && name[end] === ":" ? name.slice(0, end) : undefined;
}

function parseJsonName(text: string): FlatOptions {
  const { value, error } = parseJsonText(text, JSON_LIMITS);
  if (error !== undefined) {
    throw new OptionError(`Could not parse the JSON options: ${error}`, { code: "syntax", path: "file" });
  }
  if (isJsonObject(value)) return flattenJson(value);
  throw new OptionError("Invalid JSON object given", { code: "invalid-type", path: "file" });
}
