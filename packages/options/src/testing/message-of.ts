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
