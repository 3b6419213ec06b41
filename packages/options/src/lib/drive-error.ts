import { isKeyvalObject, type KeyvalObject, type KeyvalValue } from "./keyval-tree.ts";
import { OptionError } from "./option-error.ts";

/** QEMU's drivers that open storage themselves; it calls them protocols, and all others formats. */
const PROTOCOLS: ReadonlySet<string> = new Set([
  "blkdebug",
  "blklogwrites",
  "blkverify",
  "file",
  "host_cdrom",
  "host_device",
  "nbd",
  "null-aio",
  "null-co",
  "quorum",
]);

/** What a node cannot do without. */
const CHILDREN: ReadonlySet<string> = new Set(["file", "image"]);

/**
 * QEMU's `-drive` words for a mistake in the node of a drive, made of the error that checking the node by its description
 * gave: an option that the driver does not know, a driver that there is not, or a child that is missing. Any other error
 * is returned as it is.
 */
export function driveOptionError(error: OptionError, node: KeyvalObject): OptionError {
  if (error.path === undefined) return error;
  const found = findHolder(node, error.path);
  if (found === undefined) return error;
  const message = messageOf(error, found);
  const { code, path, hints } = error;
  return message === undefined ? error : new OptionError(message, { code, path, hints });
}

/** The innermost node on a path, and what of the path is left behind it. */
interface Holder {
  readonly node: KeyvalObject;
  readonly driver: string | undefined;
  readonly key: string;
}

function findHolder(root: KeyvalObject, path: string): Holder | undefined {
  const fragments = path.split(".");
  let holder: Holder | undefined;
  let at: KeyvalValue | undefined = root;
  for (let i = 0; i < fragments.length && typeof at === "object"; i++) {
    const driver: KeyvalValue | undefined = isKeyvalObject(at) ? at["driver"] : undefined;
    const text = typeof driver === "string" ? driver : undefined;
    if (isKeyvalObject(at) && (text !== undefined || i === 0)) {
      holder = { node: at, driver: text, key: fragments.slice(i).join(".") };
    }
    at = Array.isArray(at) ? at[Number(fragments[i])] : at[fragments[i] ?? ""];
  }
  return holder;
}

function messageOf({ code, path }: OptionError, { node, driver, key }: Holder): string | undefined {
  if (code === "invalid-value" && key === "driver") return `Unknown driver '${driver ?? ""}'`;
  if (code === "missing" && CHILDREN.has(key)) return `A block device must be specified for "${key}"`;
  const isSpread = code === "invalid-type" && typeof valueAt(node, key) === "object";
  if (driver === undefined || path === undefined || !(code === "unexpected" || isSpread)) return undefined;
  const option = `${key}${firstLeaf(valueAt(node, key))}`;
  return PROTOCOLS.has(driver)
    ? `Block protocol '${driver}' doesn't support the option '${option}'`
    : `Block format '${driver}' does not support the option '${option}'`;
}

function valueAt(node: KeyvalObject, path: string): KeyvalValue | undefined {
  let at: KeyvalValue | undefined = node;
  for (const fragment of path.split(".")) {
    if (typeof at !== "object") return undefined;
    at = Array.isArray(at) ? at[Number(fragment)] : at[fragment];
  }
  return at;
}

/** The rest of the key that the user wrote: an option that has options itself is known by its first. */
function firstLeaf(value: KeyvalValue | undefined): string {
  let rest = "";
  let at = value;
  while (typeof at === "object") {
    const [entry]: [string, KeyvalValue][] = Object.entries(at);
    if (entry === undefined) break;
    rest += `.${entry[0]}`;
    at = entry[1];
  }
  return rest;
}
