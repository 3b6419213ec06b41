import type { ExpressionObject } from "./schema-expression.ts";
import type { Complain } from "./schema-name.ts";

/** Checks which members an object has. `what` is what the object is. */
export function checkKeys(
  value: ExpressionObject,
  what: string,
  required: readonly string[],
  optional: readonly string[],
  complain: Complain,
): void {
  const missing = required.filter((key) => !value.has(key));
  if (missing.length > 0) throw complain(`${what} misses key${plural(missing)} ${list(missing)}`);
  const allowed = [...required, ...optional];
  const unknown = [...value.keys()].filter((key) => !allowed.includes(key));
  if (unknown.length === 0) return;
  throw complain(`${what} has unknown key${plural(unknown)} ${list(unknown)}\nValid keys are ${list(allowed)}.`);
}

function plural(names: readonly string[]): string {
  return names.length > 1 ? "s" : "";
}

function list(names: readonly string[]): string {
  return names
    .toSorted()
    .map((name) => `'${name}'`)
    .join(", ");
}
