#!/usr/bin/env node
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { runGenerator } from "@rehandle/qapi/schema-language";

process.exitCode = runGenerator(process.argv.slice(2), {
  readFile(path) {
    try {
      return readFileSync(path, "utf8");
    } catch (error) {
      return { error: reasonOf(error) };
    }
  },
  writeFile(path, text) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  },
  print: (text) => process.stdout.write(text),
  printError: (text) => process.stderr.write(text),
});

/** Why a file cannot be read, in the system's words. */
function reasonOf(error) {
  const words = { ENOENT: "No such file or directory", EISDIR: "Is a directory", EACCES: "Permission denied" };
  return words[error.code] ?? error.message;
}
