import { formatInclusions, type DefinitionName, type SourcePlace } from "./source-place.ts";

/**
 * What is wrong with a schema. `message` is QEMU's, with the place in front: `FILE:LINE:COLUMN: ` for mistakes of syntax,
 * `FILE:LINE: ` and a line `FILE: In KIND 'NAME':` before it for mistakes in a definition. The only error that reading a
 * schema throws. Match `name`, never `instanceof`.
 */
export class QapiSchemaError extends Error {
  override readonly name: string = "QapiSchemaError";
  /** The file's name; `""` if no file is to blame. */
  readonly file: string;
  /** From 1; 0 if no file is to blame. */
  readonly line: number;
  /** From 1; 0 if no file is to blame. For mistakes in a definition, where it begins. */
  readonly column: number;
  /** The message without the place. */
  readonly problem: string;

  constructor(message: string, problem: string = message, place?: SourcePlace) {
    super(message);
    this.problem = problem;
    this.file = place?.file.name ?? "";
    this.line = place?.line ?? 0;
    this.column = place?.column ?? 0;
  }
}

/** True for a {@link QapiSchemaError} of any copy of this package. */
export function isQapiSchemaError(value: unknown): value is QapiSchemaError {
  return value instanceof Error && value.name === "QapiSchemaError" && "problem" in value;
}

/** A mistake of syntax. */
export function syntaxError(place: SourcePlace, problem: string): QapiSchemaError {
  const { file, line, column } = place;
  return new QapiSchemaError(`${formatInclusions(file)}${file.name}:${line}:${column}: ${problem}`, problem, place);
}

/** A mistake of meaning, in a definition if one is given. */
export function semanticError(place: SourcePlace, problem: string, definition?: DefinitionName): QapiSchemaError {
  return new QapiSchemaError(describePlace(place, problem, definition), problem, place);
}

/** A message with its place, as {@link semanticError} has it; for messages that name a second place. */
export function describePlace(place: SourcePlace, problem: string, definition?: DefinitionName): string {
  const { file, line } = place;
  const context = definition === undefined ? "" : `${file.name}: In ${definition.kind} '${definition.name}':\n`;
  return `${formatInclusions(file)}${context}${file.name}:${line}: ${problem}`;
}
