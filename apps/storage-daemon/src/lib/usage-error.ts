/** The command line, or something that it names, is wrong: the program ends with exit code 1. The message is QEMU's. */
export class UsageError extends Error {
  override readonly name: string = "UsageError";
  /** The option at fault as it was typed; null if the message says it all. */
  readonly option: string | null;
  /** Lines that help and are not part of the message. */
  readonly hints: readonly string[];

  constructor(message: string, option: string | null = null, hints: readonly string[] = []) {
    super(message);
    this.option = option;
    this.hints = hints;
  }
}

/** What is printed: the message behind the program's name and the option, then the hints. */
export function formatUsageError(error: UsageError, program: string): string {
  const place = error.option === null ? program : `${program}: ${error.option}`;
  return [`${place}: ${error.message}`, ...error.hints].join("\n");
}
