import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { largeSchema, QEMU_SIZE } from "../../testing/large-schema.ts";
import { readQapiSchema } from "../schema-language/read-schema.ts";
import { generateTypeScript } from "./generate-typescript.ts";

// Within the package, so that what is generated finds it by its name.
const folder = mkdtempSync(join(import.meta.dirname, "../../../.generated-"));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const files = largeSchema();
const start = performance.now();
const schema = readQapiSchema("qapi-schema.json", (path) =>
  files.get(path.replaceAll(/part\/(\.\.?\/(part\/)?)*/g, "part/")),
);
const generated = generateTypeScript(schema);
const elapsed = performance.now() - start;

test("a schema as large as QEMU's is read and written", () => {
  const count = (kind: string): number => schema.definitions.filter((definition) => definition.kind === kind).length;
  const { enums, structs, unions, alternates, commands, events } = QEMU_SIZE;
  expect(schema.files).toHaveLength(38);
  expect([...files.values()].join("").split("\n").length).toBeGreaterThan(22_680);
  expect(["command", "event", "union", "alternate"].map(count)).toEqual([commands, events, unions, alternates]);
  expect(count("enum")).toBeGreaterThanOrEqual(enums);
  expect(count("struct")).toBeGreaterThanOrEqual(structs);
  const text = [...files.values()].join("");
  expect(text.split("'if'").length).toBeGreaterThan(163);
  expect(text.split("'features'").length).toBeGreaterThan(76);
  // It takes a third of a second on a quiet machine; a busy one is no reason to fail.
  expect(elapsed).toBeLessThan(15_000);
});

test("the same schema gives the same text", () => {
  expect(generateTypeScript(schema)).toEqual(generated);
});

test("what is generated passes the compiler, strict", { timeout: 120_000 }, () => {
  for (const [file, text] of generated) writeFileSync(join(folder, file), text);
  writeFileSync(join(folder, "use.ts"), USE);
  const options = { noEmit: true, composite: false, declarationMap: false, lib: ["ES2023"], skipLibCheck: false };
  const config = { extends: "../../../tsconfig.base.json", compilerOptions: options, include: ["*.ts"] };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  const compiler = join(import.meta.dirname, "../../../../../node_modules/.bin/tsc");
  const { stdout, status } = spawnSync(compiler, ["-p", folder, "--pretty", "false"], { encoding: "utf8" });
  expect(stdout).toBe("");
  expect(status).toBe(0);
});

/** What a program does with it; each line below an `@ts-expect-error` has to be wrong. */
const USE = `import type { CommandName, QmpClient } from "@rehandle/qapi";
import { qmpIntrospection } from "./introspection.ts";
import { qmpSchema, type QmpSchema } from "./schema.ts";
import type { Union0x } from "./types.ts";

export async function use(client: QmpClient<QmpSchema>, value: Union0x): Promise<void> {
  await client.execute("do-0", value);
  // @ts-expect-error no such command
  await client.execute("undo-0");
  // @ts-expect-error no arguments
  await client.execute("do-0");
  // @ts-expect-error no such branch
  if (value.tag === "other") return;
  const command: CommandName<QmpSchema> = "do-219";
  client.on("EVENT_1", ({ data }) => data);
  // @ts-expect-error no such event
  client.on("EVENT_1000", () => command);
}

export const names: readonly string[] = [...Object.keys(qmpSchema.commands), ...qmpIntrospection.map(({ name }) => name)];
`;
