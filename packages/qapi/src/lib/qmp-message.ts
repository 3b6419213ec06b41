import { isJsonDouble, isJsonObject, type JsonValue } from "@rehandle/json";
import { QmpError, type QmpErrorClass } from "./qmp-error.ts";

/** A message of a server. Objects have no prototype; integers beyond 2^53-1 are bigints. */
export type QmpMessage =
  | { readonly kind: "greeting"; readonly greeting: unknown }
  | { readonly kind: "event"; readonly event: string; readonly data: unknown; readonly timestamp: unknown }
  | { readonly kind: "return"; readonly id: unknown; readonly value: unknown }
  | { readonly kind: "error"; readonly id: unknown; readonly error: QmpError };

/** What a server said; undefined if it is no message of QMP. */
export function readMessage(value: JsonValue): QmpMessage | undefined {
  if (!isJsonObject(value)) return undefined;
  const { QMP, event, data, timestamp, id, error } = value;
  if (QMP !== undefined) return { kind: "greeting", greeting: toPlain(QMP) };
  if (typeof event === "string") {
    return { kind: "event", event, data: toPlain(data ?? {}), timestamp: toPlain(timestamp ?? null) };
  }
  if (value["return"] !== undefined) return { kind: "return", id, value: toPlain(value["return"]) };
  if (error === undefined || !isJsonObject(error)) return undefined;
  const { class: errorClass, desc } = error;
  const isError = typeof errorClass === "string" && typeof desc === "string";
  return isError ? { kind: "error", id, error: new QmpError(desc, errorClass as QmpErrorClass) } : undefined;
}

/** The same value with plain numbers for doubles: a reader does not care how a number was written. */
function toPlain(value: JsonValue): unknown {
  if (isJsonDouble(value)) return value.value;
  if (Array.isArray(value)) return value.map(toPlain);
  if (!isJsonObject(value)) return value;
  const plain = Object.create(null) as Record<string, unknown>;
  for (const [key, member] of Object.entries(value)) plain[key] = toPlain(member);
  return plain;
}
