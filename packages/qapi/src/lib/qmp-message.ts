import { isJsonDouble, isJsonObject, type JsonValue } from "@rehandle/json";
import { QmpError, type QmpErrorClass } from "./qmp-error.ts";
import type { QmpTimestamp } from "./qmp-event.ts";

/** A message of a server. Objects have no prototype; integers beyond 2^53-1 are bigints. */
export type QmpMessage =
  | { readonly kind: "greeting"; readonly greeting: unknown }
  | { readonly kind: "event"; readonly event: string; readonly data: unknown; readonly timestamp: QmpTimestamp }
  | { readonly kind: "return"; readonly id: unknown; readonly value: unknown }
  | { readonly kind: "error"; readonly id: unknown; readonly error: QmpError };

/** What a server said; undefined if it is no message of QMP. */
export function readMessage(value: JsonValue): QmpMessage | undefined {
  if (!isJsonObject(value)) return undefined;
  const { QMP, event, data, timestamp, id, error } = value;
  if (QMP !== undefined) return { kind: "greeting", greeting: toPlain(QMP) };
  if (typeof event === "string") {
    return { kind: "event", event, data: toPlain(data ?? {}), timestamp: readTimestamp(timestamp) };
  }
  if (value["return"] !== undefined) return { kind: "return", id, value: toPlain(value["return"]) };
  if (error === undefined || !isJsonObject(error)) return undefined;
  const { class: errorClass, desc } = error;
  if (typeof errorClass !== "string" || typeof desc !== "string") return undefined;
  return { kind: "error", id, error: new QmpError(desc, wireClass(errorClass)) };
}

/** What the client says of a connection cannot come from the server. Classes of newer servers are let pass. */
const OWN_CLASSES: readonly string[] = ["ConnectionClosed", "ConnectionLost", "ProtocolError", "TooManyCommands"];

function wireClass(name: string): QmpErrorClass {
  return OWN_CLASSES.includes(name) ? "GenericError" : (name as QmpErrorClass);
}

/** As from a clock that failed if it is none. */
function readTimestamp(value: JsonValue | undefined): QmpTimestamp {
  const { seconds, microseconds } = isJsonObject(value) ? value : {};
  const isTime = typeof seconds === "number" && typeof microseconds === "number";
  return isTime ? { seconds, microseconds } : { seconds: -1, microseconds: -1 };
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
