import type { JsonLimits } from "@rehandle/json";
import { OptionError, type OptionErrorLocation } from "./option-error.ts";

/*
 * QEMU has no such bounds, or wider ones. Nobody writes as much as they let through, and a hostile text of a megabyte would
 * cost its reader a third of a second and some hundred megabytes without them.
 */

/** Options and objects that one text may make. */
export const MOST_OPTIONS = 16_384;

/** Fragments of one dotted key; more would exhaust the stack. */
export const MOST_FRAGMENTS = 1024;

/** What one JSON text may have of tokens: `"key": 1,` are four. */
export const JSON_LIMITS: Partial<JsonLimits> = { tokens: 4 * MOST_OPTIONS };

/** Characters of all dotted keys that one JSON text becomes: each member repeats those of all that it lies in. */
export const LONGEST_KEYS: number = 1024 * 1024;

/** Counts what one text makes. */
export class OptionCounter {
  #count = 0;

  /** One more, which stands at `location` of a configuration file. @throws OptionError beyond {@link MOST_OPTIONS} */
  add(location?: OptionErrorLocation): void {
    this.#count += 1;
    if (this.#count <= MOST_OPTIONS) return;
    throw new OptionError(`Too many options, there may be ${MOST_OPTIONS}`, { code: "syntax", location });
  }
}

/** The error of a JSON text beyond {@link LONGEST_KEYS}. */
export function tooLongKeys(): OptionError {
  return new OptionError("The options are nested too deep and too often", { code: "syntax" });
}
