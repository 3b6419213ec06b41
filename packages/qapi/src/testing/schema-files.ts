import { readQapiSchema } from "../lib/schema-language/read-schema.ts";
import type { QapiSchema } from "../lib/schema-language/schema-definition.ts";

/** Reads a schema from texts: `schema.json` is the one asked for. */
export function schemaOf(text: string, others: Readonly<Record<string, string>> = {}): QapiSchema {
  const files: Record<string, string> = { "schema.json": text, ...others };
  return readQapiSchema("schema.json", (path) => (Object.hasOwn(files, path) ? files[path] : undefined));
}

/** What reading a schema complains about; fails if it does not. */
export function complaintOf(text: string, others?: Readonly<Record<string, string>>): string {
  try {
    schemaOf(text, others);
  } catch (error) {
    if (error instanceof Error && error.name === "QapiSchemaError") return error.message;
    throw error;
  }
  throw new Error(`accepted: ${text}`);
}
