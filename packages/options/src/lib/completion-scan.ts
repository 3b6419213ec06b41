import { MOST_OPTIONS } from "./bounds.ts";
import { findDelimiter, splitValue } from "./split-value.ts";

/** An argument that is being written, up to where the cursor is. */
export interface UnfinishedArgument {
  /** The values of the items that are finished, by their whole key; the last of each. */
  readonly given: ReadonlyMap<string, string>;
  /** Everything before the item that is being written. */
  readonly before: string;
  /** The key of that item, as far as it is written. */
  readonly key: string;
  /** Its value, as far as it is written; undefined if there is no `=` yet. */
  readonly value: string | undefined;
  /** True if it is the first item. */
  readonly isFirst: boolean;
}

/**
 * Takes an argument apart that ends anywhere. Whatever is wrong with it is passed over; of more keys than a text may have, the
 * first are known.
 */
export function scanUnfinished(text: string, impliedKey?: string): UnfinishedArgument {
  const given = new Map<string, string>();
  const note = (key: string, value: string): void => {
    if (given.size < MOST_OPTIONS || given.has(key)) given.set(key, value);
  };
  for (let at = 0; ;) {
    const delimiter = findDelimiter(text, at);
    const key = text.slice(at, delimiter);
    const before = text.slice(0, at);
    const isFirst = at === 0;
    if (delimiter >= text.length) return { given, before, key, value: undefined, isFirst };
    if (text[delimiter] === "=") {
      const { value, next, ended } = splitValue(text, delimiter + 1);
      if (!ended) return { given, before, key, value, isFirst };
      note(key, value);
      at = next;
    } else {
      if (isFirst && impliedKey !== undefined) note(impliedKey, key);
      else note(key, "on");
      at = delimiter + 1;
    }
  }
}
