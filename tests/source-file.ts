import { globSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { parseSync, Visitor } from "rolldown/utils";
import { root } from "../scripts/environment.mjs";

/** A parsed source file. */
export interface SourceFile {
  /** From the root of the repository. */
  readonly path: string;
  readonly text: string;
  readonly program: Parameters<Visitor["visit"]>[0];
  readonly comments: readonly { readonly value: string; readonly start: number }[];
}

/** Something that a source file says, and where. */
export interface Finding {
  /** path:line */
  readonly at: string;
  readonly what: string;
}

/** Every source file below a folder. Tests are also what only tests use, in folders of the name `testing`. */
export function readSources(folder: string, files: "tests" | "no tests" | "all" = "all"): SourceFile[] {
  return globSync("**/*.ts", { cwd: folder, exclude: ["node_modules", "dist", ".readme-*"] })
    .filter((path) => files === "all" || /\.test\.ts$|(^|\/)testing\//.test(path) === (files === "tests"))
    .map((path) => parseFile(join(folder, path)));
}

function parseFile(path: string): SourceFile {
  const text = readFileSync(path, "utf8");
  const { program, comments, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path}: ${errors[0]?.message}`);
  return { path: relative(root, path), text, program, comments };
}

/** Every module specifier: of imports, exports, `import()` and `import("…").Type`, types or not. */
export function importsOf(source: SourceFile): Finding[] {
  const found: Finding[] = [];
  const take = (node: { source?: unknown }): void => {
    const literal = node.source;
    if (typeof literal !== "object" || literal === null || !("value" in literal) || !("start" in literal)) return;
    found.push({ at: place(source, Number(literal.start)), what: String(literal.value) });
  };
  new Visitor({
    ImportDeclaration: take,
    ExportNamedDeclaration: take,
    ExportAllDeclaration: take,
    ImportExpression: take,
    TSImportType: take,
  }).visit(source.program);
  return found;
}

/** `path:line` of a position. */
export function place(source: SourceFile, position: number): string {
  return `${source.path}:${source.text.slice(0, position).split("\n").length}`;
}
