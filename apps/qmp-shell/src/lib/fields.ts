/** An object of a peer's, of which nothing is known. */
export type Fields = Readonly<Record<string, unknown>>;

/** The objects of what should be a list of them. */
export function fieldsList(value: unknown): Fields[] {
  if (!Array.isArray(value)) return [];
  return value.map(fieldsOf).filter((fields) => fields !== undefined);
}

/** The value if it is an object. */
export function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

/** A member as a text; empty if it is absent or no scalar. */
export function fieldText(fields: Fields | undefined, name: string): string {
  const value = fields?.[name];
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "bigint" || typeof value === "boolean" ? String(value) : "";
}

/** A member as a number; undefined if it is none. */
export function fieldNumber(fields: Fields | undefined, name: string): number | undefined {
  const value = fields?.[name];
  return typeof value === "number" || typeof value === "bigint" ? Number(value) : undefined;
}
