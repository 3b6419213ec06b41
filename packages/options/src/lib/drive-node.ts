import { parseFileName } from "./file-name.ts";
import { unflatten, type FlatOptions } from "./keyval-flatten.ts";
import type { KeyvalObject } from "./keyval-tree.ts";
import { OptionError } from "./option-error.ts";

/**
 * The node of a drive: its format driver, the protocol that the file name stands for, and what was left over. Options
 * given outside win over those inside a `json:` name. Undefined if there is nothing to open.
 */
export function driveNode(
  file: string | undefined,
  driver: string | undefined,
  format: string | undefined,
  options: FlatOptions,
): KeyvalObject | undefined {
  if (driver !== undefined && format !== undefined) {
    throw inconsistent("Cannot specify both 'driver' and 'format'", "format");
  }
  const chosen = format ?? driver;
  if (file === undefined || file === "") {
    if (chosen === undefined && options.size === 0) return undefined;
    if (chosen === undefined && ![...options.keys()].some((key) => key === "file" || key.startsWith("file."))) {
      throw new OptionError("Must specify either driver or file", { code: "missing", path: "file" });
    }
    return unflatten(withDriver(chosen, options));
  }
  if (options.has("file.filename")) {
    throw inconsistent("Can't specify 'file' and 'filename' options at the same time", "file.filename");
  }
  return unflatten(withDriver(chosen, new Map([...fileOptions(file), ...options])));
}

function withDriver(driver: string | undefined, options: FlatOptions): FlatOptions {
  return driver === undefined ? options : new Map([...options, ["driver", driver]]);
}

/** The options of a file name: as they are for a whole node, below `file` for a protocol. */
function fileOptions(name: string): FlatOptions {
  const { isNode, options } = parseFileName(name);
  return isNode ? options : new Map([...options].map(([key, value]) => [`file.${key}`, value]));
}

function inconsistent(message: string, path: string): OptionError {
  return new OptionError(message, { code: "inconsistent", path });
}

/**
 * QEMU's `-drive` words for an option that the driver does not know, made of the error that checking the node by its
 * description gave; any other error is returned as it is.
 */
export function driveOptionError(error: OptionError, node: KeyvalObject): OptionError {
  if (error.code !== "unexpected" || error.path === undefined) return error;
  const isProtocol = error.path.startsWith("file.");
  const key = isProtocol ? error.path.slice("file.".length) : error.path;
  const holder = isProtocol ? node["file"] : node;
  const driver = typeof holder === "object" && !Array.isArray(holder) ? holder["driver"] : undefined;
  if (typeof driver !== "string") return error;
  const message = isProtocol
    ? `Block protocol '${driver}' doesn't support the option '${key}'`
    : `Block format '${driver}' does not support the option '${key}'`;
  return new OptionError(message, { code: error.code, path: error.path, hints: error.hints });
}
