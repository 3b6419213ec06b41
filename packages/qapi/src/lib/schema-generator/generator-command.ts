import { isQapiSchemaError } from "../schema-language/schema-error.ts";
import { readQapiSchema } from "../schema-language/read-schema.ts";
import { selectDefined } from "../schema-language/select-defined.ts";
import type { ReadSchemaFile } from "../schema-language/schema-files.ts";
import { generateTypeScript } from "./generate-typescript.ts";
import type { TypeImport } from "./imported-types.ts";

/** What the generator's command asks the system for. */
export interface GeneratorHost {
  /** Reads a text file. */
  readonly readFile: ReadSchemaFile;
  /** Writes a text file, and makes its folder if need be. @throws Error if it cannot */
  writeFile(path: string, text: string): void;
  /** Writes a text with its newlines to standard output. */
  print(text: string): void;
  /** Writes a text with its newlines to standard error. */
  printError(text: string): void;
}

const HELP = `Usage: rehandle-qapi-gen [options] SCHEMA

Reads a QAPI schema and writes TypeScript: types.ts, schema.ts and introspection.ts.

  -o, --output-dir DIR           where the files go (default: the current folder)
      --name NAME                begins the names of what is exported (default: Qmp)
      --from MODULE              what the code imports @rehandle/qapi as
      --import FILE=MODULE       import the types of FILE, which the schema includes, and of what that
                                 includes first, from MODULE instead of writing them. May be repeated
      --define SYMBOL,...        leave out what has an 'if' that is false where only these are defined;
                                 without this option everything stays. May be repeated
      --options TYPE,...         write options.ts as well: a catalog of these types, and of those that
                                 they lead to, for the command line. May be repeated
  -u, --unmask-non-abi-names     introspection shows types by their names
      --check                    write nothing; fail if a file is not up to date
      --help                     show this
`;

/** Options with a value, and those without. */
const WITH_VALUE = new Map([
  ["-o", "output-dir"],
  ["--output-dir", "output-dir"],
  ["--name", "name"],
  ["--from", "from"],
  ["--import", "import"],
  ["--define", "define"],
  ["--options", "options"],
]);
const FLAGS = new Map([
  ["-u", "unmask"],
  ["--unmask-non-abi-names", "unmask"],
  ["--check", "check"],
  ["--help", "help"],
  ["-h", "help"],
]);

interface CommandLine {
  readonly values: ReadonlyMap<string, readonly string[]>;
  readonly flags: ReadonlySet<string>;
  readonly schemas: readonly string[];
}

/** Runs `rehandle-qapi-gen` with these arguments, and gives its exit status: 0, 1 for a mistake in the schema, 2 in the arguments. */
export function runGenerator(args: readonly string[], host: GeneratorHost): number {
  const line = readCommandLine(args);
  if (typeof line === "string") return complain(host, line);
  if (line.flags.has("help")) {
    host.print(HELP);
    return 0;
  }
  const [schema, ...more] = line.schemas;
  if (schema === undefined || more.length > 0) return complain(host, "one schema file is wanted");
  const name = line.values.get("name")?.at(-1) ?? "Qmp";
  if (!/^[A-Z][A-Za-z0-9]*$/.test(name)) return complain(host, `'${name}' is no name in CamelCase`);
  try {
    return generate(schema, name, line, host);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    host.printError(`${isQapiSchemaError(error) ? "" : "rehandle-qapi-gen: "}${error.message}\n`);
    return 1;
  }
}

function generate(path: string, name: string, { values, flags }: CommandLine, host: GeneratorHost): number {
  const whole = readQapiSchema(path, host.readFile);
  const listed = (key: string): string[] | undefined =>
    values.get(key)?.flatMap((list) => list.split(",").filter((word) => word !== ""));
  const defined = listed("define");
  const schema = defined === undefined ? whole : selectDefined(whole, new Set(defined));
  const from = values.get("from")?.at(-1);
  const types = listed("options") ?? [];
  const imports = (values.get("import") ?? []).map(readImport);
  const options = {
    name,
    unmask: flags.has("unmask"),
    imports,
    options: types,
    ...(from === undefined ? {} : { from }),
  };
  const folder = values.get("output-dir")?.at(-1) ?? ".";
  let status = 0;
  for (const [file, text] of generateTypeScript(schema, options)) {
    const target = `${folder}/${file}`;
    if (host.readFile(target) === text) continue;
    if (flags.has("check")) {
      host.printError(`${target} is not up to date: run rehandle-qapi-gen\n`);
      status = 1;
    } else host.writeFile(target, text);
  }
  return status;
}

function readCommandLine(args: readonly string[]): CommandLine | string {
  const values = new Map<string, string[]>();
  const flags = new Set<string>();
  const schemas: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? "";
    const [option, inline] = arg.startsWith("--") ? splitOnce(arg) : [arg];
    const key = WITH_VALUE.get(option);
    const flag = FLAGS.get(option);
    if (key !== undefined) {
      const value = inline ?? args[++i];
      if (value === undefined) return `option '${option}' requires an argument`;
      values.set(key, [...(values.get(key) ?? []), value]);
    } else if (flag !== undefined && inline === undefined) flags.add(flag);
    else if (arg.startsWith("-")) return `unknown option '${arg}'`;
    else schemas.push(arg);
  }
  return { values, flags, schemas };
}

/** @throws Error if it is none */
function readImport(text: string): TypeImport {
  const [file, module = ""] = splitOnce(text);
  if (file === "" || module === "") throw new Error(`--import takes FILE=MODULE, not '${text}'`);
  return { file, module };
}

function splitOnce(arg: string): [string, string?] {
  const at = arg.indexOf("=");
  return at < 0 ? [arg] : [arg.slice(0, at), arg.slice(at + 1)];
}

function complain(host: GeneratorHost, problem: string): number {
  host.printError(`rehandle-qapi-gen: ${problem}\nTry 'rehandle-qapi-gen --help'.\n`);
  return 2;
}
