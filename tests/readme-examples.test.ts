import { execFile } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { root } from "../scripts/environment.mjs";
import { findExamples } from "../scripts/readme-examples.mjs";
import { workspacePackages } from "../scripts/workspace.mjs";

const runFile = promisify(execFile);

/** How long an example may take, ms. */
const limit = 20_000;

const readmes = [root, ...workspacePackages().map(({ folder }) => folder)]
  .map((folder) => join(folder, "README.md"))
  .filter((path) => existsSync(path));

const examples = readmes.flatMap((readme) =>
  findExamples(readFileSync(readme, "utf8")).map(({ line, code }) => ({
    name: `${relative(root, readme)}:${line}`,
    path: join(dirname(readme), `.readme-${process.pid}-${line}.mts`),
    // Empty lines in front make the line numbers of errors those of the README.
    text: "\n".repeat(line - 1) + code,
  })),
);
const project = join(import.meta.dirname, `.readme-${process.pid}.json`);

beforeAll(() => {
  for (const { path, text } of examples) writeFileSync(path, text);
  writeFileSync(project, JSON.stringify(projectOf(examples.map(({ path }) => path))));
});

afterAll(() => {
  for (const { path } of examples) rmSync(path, { force: true });
  rmSync(project, { force: true });
});

test.skipIf(examples.length === 0)("the examples' types are right", { timeout: 120_000 }, async () => {
  expect(await typeErrors()).toEqual([]);
});

test.for(examples)("$name runs", { timeout: limit + 10_000 }, async ({ path }) => {
  const args = ["--conditions=@rehandle/source", path];
  const options = { cwd: dirname(path), timeout: limit, killSignal: "SIGKILL" as const };
  await expect(runFile(process.execPath, args, options)).resolves.toBeDefined();
});

/** The compiler's complaints about the examples; those about the packages themselves are the build's business. */
async function typeErrors(): Promise<string[]> {
  const compiler = join(root, "node_modules/.bin/tsc");
  const output = await runFile(compiler, ["-p", project, "--pretty", "false"], { cwd: root }).then(
    ({ stdout }) => stdout,
    (error: unknown) => (error instanceof Error && "stdout" in error ? String(error.stdout) : String(error)),
  );
  return output.split("\n").filter((line) => line.includes(".readme-") || line.startsWith("Error"));
}

function projectOf(files: readonly string[]): object {
  return {
    extends: "../tsconfig.base.json",
    compilerOptions: {
      noEmit: true,
      composite: false,
      declaration: false,
      declarationMap: false,
      isolatedDeclarations: false,
      noUnusedLocals: false,
      types: ["node"],
    },
    files,
  };
}
