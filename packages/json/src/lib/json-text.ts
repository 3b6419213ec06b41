import type { JsonTextResult } from "./json-parser.ts";
import { JsonStream } from "./json-stream.ts";
import { encodeUtf8 } from "./utf8.ts";

/** Parses a text that must hold exactly one JSON value, as QEMU does on its command line and in `json:` file names. */
export function parseJsonText(text: string): JsonTextResult {
  let result: JsonTextResult | undefined;
  const add = (next: JsonTextResult): void => {
    if (result === undefined) result = next;
    else if (result.error === undefined) result = { error: "Expecting at most one JSON value" };
    // The first mistake is the one that is told; a hostile text has a million.
    if (result.error !== undefined) stream.stop();
  };
  const stream = new JsonStream({ value: (value) => add({ value }), error: (error) => add({ error }) });
  stream.feed(encodeUtf8(text));
  stream.end();
  return result ?? { error: "Expecting a JSON value" };
}
