import { parseFileName, parseProtocolName } from "./file-name.ts";
import { unflatten, type FlatOptions } from "./keyval-flatten.ts";
import { isKeyvalObject, type KeyvalObject } from "./keyval-tree.ts";
import { OptionError } from "./option-error.ts";

/**
 * The node of a drive: its driver, the protocol that the file name stands for, and what was left over. Options given
 * outside win over those inside a `json:` name. Undefined if there is nothing to open: no file, and no options for one.
 */
export function driveNode(
  file: string | undefined,
  driver: string | undefined,
  options: FlatOptions,
  hasSwitches: boolean,
): KeyvalObject | undefined {
  if (file === undefined || file === "") {
    if (driver === undefined && options.size === 0 && !hasSwitches) return undefined;
    return unflatten(withDriver(driver, options));
  }
  return unflatten(withDriver(driver, withFile(file, driver, options)));
}

function withDriver(driver: string | undefined, options: FlatOptions): FlatOptions {
  if (driver !== undefined) return mapOf(options, [["driver", driver]]);
  for (const key of options.keys()) {
    if (key === "driver" || key === "file" || /^file\.[^.]/.test(key)) return options;
  }
  throw new OptionError("Must specify either driver or file", { code: "missing", path: "file" });
}

/** The options and those of the file name, which are the whole node's for `json:`, and else those of its protocol. */
function withFile(name: string, driver: string | undefined, options: FlatOptions): FlatOptions {
  if (!name.startsWith("json:") && driver !== undefined) {
    const own = parseProtocolName(driver, name);
    if (own !== undefined) return join(own, "", options);
  }
  const inner = options.get("file.driver");
  const given = name.startsWith("json:") || inner === undefined ? undefined : parseProtocolName(inner, name);
  if (given !== undefined) return join(given, "file.", options);
  const { isNode, options: found } = parseFileName(name);
  return isNode ? mapOf(found, options) : join(found, "file.", options);
}

/** Keys of the nbd driver that a name has the say of. */
const OF_NBD_NAME = /^(?:host|port|path|export|server\..*)$/s;

function join(found: FlatOptions, prefix: string, options: FlatOptions): FlatOptions {
  const path = `${prefix}filename`;
  if (options.has(path)) {
    throw inconsistent("Can't specify 'file' and 'filename' options at the same time", path);
  }
  for (const key of found.get("driver") === "nbd" ? options.keys() : []) {
    const own = key.startsWith(prefix) ? key.slice(prefix.length) : "";
    if (OF_NBD_NAME.test(own)) throw inconsistent(`Option '${own}' cannot be used with a file name`, key);
  }
  const named = Array.from(found, ([key, value]) => [prefix + key, value] as const);
  return mapOf(named, options);
}

type Entries = Iterable<readonly [string, string]>;

/** Without lists of all entries in between. */
function mapOf(first: Entries, second: Entries): FlatOptions {
  const map: FlatOptions = new Map();
  for (const [key, value] of first) map.set(key, value);
  for (const [key, value] of second) map.set(key, value);
  return map;
}

function inconsistent(message: string, path: string): OptionError {
  return new OptionError(message, { code: "inconsistent", path });
}

/** The driver at the bottom of `file`, which opens the storage. */
export function protocolDriver(node: KeyvalObject): string | undefined {
  let at = node;
  while (isKeyvalObject(at["file"])) at = at["file"];
  return typeof at["driver"] === "string" ? at["driver"] : undefined;
}
