export type { JsonTextResult } from "./lib/json-parser.ts";
export { JsonStream, type JsonLimits, type JsonSink } from "./lib/json-stream.ts";
export { parseJsonText } from "./lib/json-text.ts";
export { isJsonDouble, isJsonObject, JsonDouble, type JsonObject, type JsonValue } from "./lib/json-value.ts";
export { encodeUtf8 } from "./lib/utf8.ts";
export { writeJson } from "./lib/write-json.ts";
