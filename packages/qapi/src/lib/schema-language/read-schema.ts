import { checkDefinitions } from "./check-schema.ts";
import { readDefinition } from "./read-definition.ts";
import type { QapiSchema } from "./schema-definition.ts";
import { readSchemaFiles, type ReadSchemaFile } from "./schema-files.ts";
import { TypeTable } from "./type-table.ts";

/**
 * Reads and checks a schema: the file of that name and all that it includes. The rules and the messages are those of QEMU
 * 7.2. Takes time linear in the text.
 *
 * @throws QapiSchemaError for the first mistake, or if a file cannot be read
 */
export function readQapiSchema(name: string, readFile: ReadSchemaFile): QapiSchema {
  const raw = readSchemaFiles(name, readFile);
  const definitions = raw.definitions.map((definition) => readDefinition(definition, raw.pragma));
  const table = new TypeTable(definitions);
  checkDefinitions(definitions, table, raw.pragma);
  return { definitions, types: table.types, files: raw.files };
}
