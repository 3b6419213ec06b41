import { checkKeys } from "./schema-keys.ts";
import type { Complain } from "./schema-name.ts";
import { isExpressionObject, type Expression } from "./schema-expression.ts";

/** An `if`: a symbol that must be defined, or a combination. */
export type Condition =
  | { readonly symbol: string }
  | { readonly not: Condition }
  | { readonly all: readonly Condition[] }
  | { readonly any: readonly Condition[] };

/** Reads an `if`. `what` is whose it is. */
export function readCondition(value: Expression, what: string, complain: Complain): Condition {
  if (typeof value === "string") {
    if (/^[A-Z][A-Z0-9_]*$/.test(value)) return { symbol: value };
    throw complain(`'if' condition '${value}' of ${what} is not a valid identifier`);
  }
  if (!isExpressionObject(value)) throw complain(`'if' condition of ${what} must be a string or an object`);
  checkKeys(value, `'if' condition of ${what}`, [], ["all", "any", "not"], complain);
  if (value.size !== 1) throw complain(`'if' condition of ${what} has conflicting keys`);
  const [[operator, operand]] = [...value] as [[string, Expression]];
  if (operator === "not") return { not: readCondition(operand, what, complain) };
  if (!Array.isArray(operand)) throw complain(`'${operator}' condition of ${what} must be an array`);
  if (operand.length === 0) throw complain(`'if' condition [] of ${what} is useless`);
  const list = operand.map((item: Expression) => readCondition(item, what, complain));
  return operator === "all" ? { all: list } : { any: list };
}

/** Whether a condition holds where these symbols are defined; one that is absent does. */
export function isTrue(condition: Condition | undefined, defined: ReadonlySet<string>): boolean {
  if (condition === undefined) return true;
  if ("symbol" in condition) return defined.has(condition.symbol);
  if ("not" in condition) return !isTrue(condition.not, defined);
  if ("all" in condition) return condition.all.every((item) => isTrue(item, defined));
  return condition.any.some((item) => isTrue(item, defined));
}

/** A condition in words: `CONFIG_A and not (CONFIG_B or CONFIG_C)`. */
export function formatCondition(condition: Condition): string {
  if ("symbol" in condition) return condition.symbol;
  if ("not" in condition) return `not ${formatOperand(condition.not)}`;
  if ("all" in condition) return condition.all.map(formatOperand).join(" and ");
  return condition.any.map(formatOperand).join(" or ");
}

function formatOperand(condition: Condition): string {
  const list = "all" in condition ? condition.all : "any" in condition ? condition.any : [];
  return list.length > 1 ? `(${formatCondition(condition)})` : formatCondition(condition);
}
