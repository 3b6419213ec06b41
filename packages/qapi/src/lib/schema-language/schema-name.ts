/** Complains about one definition. */
export type Complain = (problem: string) => Error;

/** A name: perhaps a vendor's domain in front, perhaps `x-`, then letters, digits, `-` and `_`. */
const NAME = /^(?:__[a-z0-9.-]+_)?(?:x-)?([a-z][a-z0-9_-]*)$/i;

/** What names become in C, where some different ones are the same. */
export function mangle(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9_]/g, "_");
}

/** Checks a name and gives it without prefixes. `what` is whose name it is. */
export function checkName(name: string, what: string, complain: Complain): string {
  const stem = NAME.exec(name)?.[1];
  if (stem === undefined || mangle(name).startsWith("q_")) throw complain(`${what} has an invalid name`);
  return stem;
}

/** Checks the name of a command or a member. With `lax`, what the older names are allowed. */
export function checkLowerName(
  name: string,
  what: string,
  lax: { upper: boolean; underscore: boolean },
  complain: Complain,
): void {
  const stem = checkName(name, what, complain);
  if ((!lax.upper && /[A-Z]/.test(stem)) || (!lax.underscore && stem.includes("_"))) {
    throw complain(`name of ${what} must not use uppercase or '_'`);
  }
}

/** Checks the name of a definition. */
export function checkDefinitionName(name: string, kind: string, mayUnderscore: boolean, complain: Complain): void {
  if (kind === "command") {
    checkLowerName(name, kind, { upper: false, underscore: mayUnderscore }, complain);
    return;
  }
  const stem = checkName(name, kind, complain);
  if (kind === "event") {
    if (/[a-z-]/.test(stem)) throw complain(`name of event must not use lowercase or '-'`);
    return;
  }
  if (!/^[A-Z][A-Za-z0-9]*$/.test(stem) || !/[a-z]/.test(stem)) throw complain(`name of ${kind} must use CamelCase`);
  if (name.endsWith("List")) throw complain(`${kind} name should not end in 'List'`);
}
