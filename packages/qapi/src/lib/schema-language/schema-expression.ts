import type { SchemaLexer } from "./schema-lexer.ts";

/** A value as a schema file writes it. */
export type Expression = string | boolean | readonly Expression[] | ExpressionObject;

/** An object as a schema file writes it, its members in their order. */
export type ExpressionObject = ReadonlyMap<string, Expression>;

/** Brackets within brackets, at most. No schema needs ten; without a limit a hostile one would use up the stack. */
const MAX_DEPTH = 100;

/** True for an object. */
export function isExpressionObject(value: Expression | undefined): value is ExpressionObject {
  return value instanceof Map;
}

/** Reads the value that begins at the current token, and goes to the one behind it. @throws QapiSchemaError */
export function readExpression(lexer: SchemaLexer, depth = 0): Expression {
  const { kind, text, value } = lexer;
  if (kind === "{" || kind === "[") {
    if (depth >= MAX_DEPTH) throw lexer.error(`nesting of more than ${MAX_DEPTH} levels`);
    lexer.advance();
    return kind === "{" ? readMembers(lexer, depth + 1) : readItems(lexer, depth + 1);
  }
  if (kind !== "string" && kind !== "boolean") throw lexer.error("expected '{', '[', string, or boolean");
  lexer.advance();
  return kind === "string" ? text : value;
}

function readMembers(lexer: SchemaLexer, depth: number): ExpressionObject {
  const members = new Map<string, Expression>();
  if (take(lexer, "}")) return members;
  if (lexer.kind !== "string") throw lexer.error("expected string or '}'");
  for (;;) {
    const key = lexer.text;
    lexer.advance();
    if (!take(lexer, ":")) throw lexer.error("expected ':'");
    if (members.has(key)) throw lexer.error(`duplicate key '${key}'`);
    members.set(key, readExpression(lexer, depth));
    if (take(lexer, "}")) return members;
    if (!take(lexer, ",")) throw lexer.error("expected ',' or '}'");
    if (lexer.kind !== "string") throw lexer.error("expected string");
  }
}

function readItems(lexer: SchemaLexer, depth: number): Expression[] {
  const items: Expression[] = [];
  if (take(lexer, "]")) return items;
  if (!["{", "[", "string", "boolean"].includes(lexer.kind)) {
    throw lexer.error("expected '{', '[', ']', string, or boolean");
  }
  for (;;) {
    items.push(readExpression(lexer, depth));
    if (take(lexer, "]")) return items;
    if (!take(lexer, ",")) throw lexer.error("expected ',' or ']'");
  }
}

function take(lexer: SchemaLexer, kind: SchemaLexer["kind"]): boolean {
  if (lexer.kind !== kind) return false;
  lexer.advance();
  return true;
}
