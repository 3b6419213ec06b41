import { Builder } from "./builder.ts";
import { Cursor } from "./cursor.ts";
import { decodeText } from "./text.ts";

/** Data of NBD_OPT_LIST_META_CONTEXT and NBD_OPT_SET_META_CONTEXT. */
export interface MetaContextRequest {
  /** Name of the export; empty for the default one. */
  name: string;
  /** `namespace:leaf`, or `namespace:` as a wildcard of LIST. */
  queries: readonly string[];
}

/** A meta context that the server selected or lists. */
export interface MetaContext {
  /** Arbitrary, and valid on this connection only. */
  id: number;
  /** `namespace:leaf`. */
  name: string;
}

/** Data of NBD_OPT_LIST_META_CONTEXT and NBD_OPT_SET_META_CONTEXT. */
export function encodeMetaContextRequest(request: MetaContextRequest): Uint8Array {
  const builder = new Builder().text(request.name).uint32(request.queries.length);
  for (const query of request.queries) builder.text(query);
  return builder.build();
}

/** @throws BlockError `EPROTO` if the lengths do not match exactly. */
export function decodeMetaContextRequest(data: Uint8Array): MetaContextRequest {
  const cursor = new Cursor(data, "the option's data");
  const name = cursor.text();
  const count = cursor.uint32();
  const queries: string[] = [];
  // Whatever the count says, the loop ends where the data does.
  for (let i = 0; i < count; i += 1) queries.push(cursor.text());
  cursor.end();
  return { name, queries };
}

/** Data of NBD_REP_META_CONTEXT. */
export function encodeMetaContext(context: MetaContext): Uint8Array {
  return new Builder().uint32(context.id).rawText(context.name).build();
}

/** @throws BlockError `EPROTO` if it is malformed. */
export function decodeMetaContext(data: Uint8Array): MetaContext {
  const cursor = new Cursor(data, "NBD_REP_META_CONTEXT");
  return { id: cursor.uint32(), name: decodeText(cursor.rest()) };
}
