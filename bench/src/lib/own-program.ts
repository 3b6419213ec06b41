import { extname } from "node:path";
import { fileURLToPath } from "node:url";

/** The command of a program of the harness, as source or built, as this file is; `name` is that of its file. */
export function ownProgram(name: string): string[] {
  const extension = extname(import.meta.url);
  const conditions = extension === ".ts" ? ["--conditions=@rehandle/source"] : [];
  return [
    process.execPath,
    "--expose-gc",
    ...conditions,
    fileURLToPath(new URL(`../${name}${extension}`, import.meta.url)),
  ];
}
