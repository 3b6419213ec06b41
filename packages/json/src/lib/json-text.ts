import type { JsonTextResult } from "./json-parser.ts";
import { JsonStream, type JsonLimits } from "./json-stream.ts";
import type { JsonValue } from "./json-value.ts";
import { encodeUtf8 } from "./utf8.ts";

/**
 * Parses a text that must hold exactly one JSON value, as QEMU does on its command line and in `json:` file names.
 *
 * @param limits bounds of the text. Default: QEMU's
 */
export function parseJsonText(text: string, limits: Partial<JsonLimits> = {}): JsonTextResult {
  let result: JsonTextResult | undefined;
  const add = (next: JsonTextResult): void => {
    if (result === undefined) result = next;
    else if (result.error === undefined) result = { error: "Expecting at most one JSON value" };
    // The first mistake is the one that is told; a hostile text has a million.
    if (result.error !== undefined) stream.stop();
  };
  const sink = { value: (value: JsonValue) => add({ value }), error: (error: string) => add({ error }) };
  const stream = new JsonStream(sink, limits);
  stream.feed(encodeUtf8(text));
  stream.end();
  return result ?? { error: "Expecting a JSON value" };
}
