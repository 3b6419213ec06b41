/** What was typed makes no sense; nothing was sent. As a command line of the program it means exit code 2. */
export class UsageError extends Error {
  override readonly name: string = "UsageError";
  /** Lines that help and are not part of the message. */
  readonly hints: readonly string[];

  constructor(message: string, hints: readonly string[] = [], options?: ErrorOptions) {
    super(message, options);
    this.hints = hints;
  }
}

/** The peer cannot be reached or went away: exit code 3. */
export class ConnectionError extends Error {
  override readonly name: string = "ConnectionError";
}
