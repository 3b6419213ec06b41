import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { generatedDocuments } from "./documents.ts";

/** Writes the documents that are made of the program's description. */
for (const { path, text } of generatedDocuments()) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
