/**
 * What kind of mistake it was.
 *
 * | code | meaning |
 * |---|---|
 * | `syntax` | the text does not follow the grammar, or is not JSON |
 * | `missing` | a mandatory parameter is not given |
 * | `unexpected` | nothing has a parameter of this name |
 * | `invalid-type` | an object, list or scalar stands where something else is wanted |
 * | `invalid-value` | the value is not one that the parameter takes |
 * | `out-of-range` | the number is too large or too small |
 * | `inconsistent` | two parameters contradict each other |
 * | `duplicate` | the id or place is taken already |
 * | `help` | help was asked for where there is none |
 */
export type OptionErrorCode =
  | "syntax"
  | "missing"
  | "unexpected"
  | "invalid-type"
  | "invalid-value"
  | "out-of-range"
  | "inconsistent"
  | "duplicate"
  | "help";

/** A line of a configuration file, counted from 1. */
export interface OptionErrorLocation {
  readonly file: string;
  readonly line: number;
}

/** What an {@link OptionError} carries besides its message. */
export interface OptionErrorFields {
  readonly code: OptionErrorCode;
  /** Lines that help and are not part of the message. Default: none. */
  readonly hints?: readonly string[];
  /** The option at fault, as the user would write it: `server.port`. Default: none in particular. */
  readonly path?: string;
  /** Where it stands, if it comes of a configuration file. Default: none. */
  readonly location?: OptionErrorLocation | undefined;
  /** Lines that QEMU warns with before it. Default: none. */
  readonly warnings?: readonly string[];
}

/** The one error type of this package. Its message is QEMU's, byte for byte. Match `code`, never `instanceof`. */
export class OptionError extends Error {
  override readonly name: string = "OptionError";
  readonly code: OptionErrorCode;
  readonly hints: readonly string[];
  readonly path: string | undefined;
  readonly location: OptionErrorLocation | undefined;
  /** Lines that QEMU prints before the error, of what it had read until then. */
  readonly warnings: readonly string[];

  constructor(message: string, fields: OptionErrorFields) {
    super(message);
    this.code = fields.code;
    this.hints = fields.hints ?? [];
    this.path = fields.path;
    this.location = fields.location;
    this.warnings = fields.warnings ?? [];
  }

  /** The same error at a line of a configuration file. */
  at(location: OptionErrorLocation): OptionError {
    return this.#with({ location });
  }

  /** The same error, with lines that were warned with before those that it has. */
  after(warnings: readonly string[]): OptionError {
    return warnings.length === 0 ? this : this.#with({ warnings: [...warnings, ...this.warnings] });
  }

  #with(changed: Partial<OptionErrorFields>): OptionError {
    const { code, hints, path, location, warnings } = this;
    const fields = path === undefined ? { code, hints } : { code, hints, path };
    return new OptionError(this.message, { ...fields, location, warnings, ...changed });
  }
}

/** True for an {@link OptionError} of any copy of this package. */
export function isOptionError(value: unknown): value is OptionError {
  return value instanceof Error && value.name === "OptionError" && "code" in value && "hints" in value;
}

/** The message, after the file and the line if there are any, and below it its hints, as they are printed on a terminal. */
export function formatOptionError({ message, hints, location }: OptionError): string {
  const prefix = location === undefined ? "" : `${location.file}:${location.line}: `;
  return [prefix + message, ...hints].join("\n");
}
