import { readIntrospection } from "../lib/read-introspection.ts";
import type { PeerSchema } from "../lib/peer-schema.ts";

const member = (name: string, type: string, more: object = {}): object => ({ name, type, ...more });
const optional = { default: null };

/** A schema with every kind of type, as `query-qmp-schema` tells it. */
export const SAMPLE_SCHEMA: PeerSchema = readIntrospection([
  { "meta-type": "builtin", name: "str", "json-type": "string" },
  { "meta-type": "builtin", name: "int", "json-type": "int" },
  { "meta-type": "builtin", name: "number", "json-type": "number" },
  { "meta-type": "builtin", name: "bool", "json-type": "boolean" },
  { "meta-type": "builtin", name: "null", "json-type": "null" },
  { "meta-type": "builtin", name: "any", "json-type": "value" },
  { "meta-type": "enum", name: "0", members: [{ name: "unix" }, { name: "inet" }], values: ["unix", "inet"] },
  { "meta-type": "object", name: "1", members: [member("path", "str")] },
  { "meta-type": "object", name: "2", members: [member("host", "str"), member("port", "int", optional)] },
  {
    "meta-type": "object",
    name: "3",
    members: [member("type", "0")],
    tag: "type",
    variants: [
      { case: "unix", type: "1" },
      { case: "inet", type: "2" },
    ],
  },
  { "meta-type": "array", name: "[3]", "element-type": "3" },
  { "meta-type": "array", name: "[str]", "element-type": "str" },
  { "meta-type": "alternate", name: "4", members: [{ type: "str" }, { type: "3" }, { type: "null" }] },
  { "meta-type": "alternate", name: "5", members: [{ type: "bool" }, { type: "int" }, { type: "0" }] },
  {
    "meta-type": "object",
    name: "6",
    members: [
      member("id", "str"),
      member("size", "int", optional),
      member("ratio", "number", optional),
      member("force", "bool", optional),
      member("addr", "3", optional),
      member("peers", "[3]", optional),
      member("tags", "[str]", optional),
      member("node", "4", optional),
      member("mode", "5", optional),
      member("extra", "any", optional),
      member("old", "str", { ...optional, features: ["deprecated"] }),
    ],
  },
  { "meta-type": "object", name: "7", members: [] },
  { "meta-type": "command", name: "do-it", "arg-type": "6", "ret-type": "7", features: ["unstable"] },
  { "meta-type": "command", name: "do-nothing", "arg-type": "7", "ret-type": "[str]", "allow-oob": true },
  { "meta-type": "command", name: "device_add", "arg-type": "1", "ret-type": "7" },
  { "meta-type": "command", name: "block-export-del", "arg-type": "6", "ret-type": "7" },
  { "meta-type": "event", name: "IT_IS_DONE", "arg-type": "2" },
]);
