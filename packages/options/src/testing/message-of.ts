import { isOptionError } from "../lib/option-error.ts";

/** The message of the OptionError that `run` throws. */
export function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (isOptionError(error)) return error.message;
    throw error;
  }
  throw new Error("accepted");
}

/** The message of an OptionError and its hints, but for the one that QEMU does not have. Any other error is thrown on. */
export function messageWithHints(error: unknown): string {
  if (!isOptionError(error)) throw error;
  return [error.message, ...error.hints.filter((hint) => !hint.startsWith("Did you mean"))].join("\n");
}
