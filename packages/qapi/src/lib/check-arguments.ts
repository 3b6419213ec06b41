import { kindOf, wrongType } from "./check-scalar.ts";
import { readObject, readReference } from "./check-value.ts";
import { own, type EventType, type Schema } from "./schema.ts";
import type { ArgumentsOf, CommandName, EventDataOf, EventName, ResultOf } from "./schema-types.ts";

/**
 * Checks the arguments of a command against the schema and returns them typed: unknown members are refused, a mandatory
 * one that is absent too. Nothing of the input is kept but values of type `any`. A command with `gen: false` gets what was
 * sent, as long as it is an object.
 *
 * @throws QmpError in QEMU's words; the first mistake in the schema's order, unknown members last
 */
export function checkArguments<const S extends Schema, N extends CommandName<S>>(
  schema: S,
  command: N,
  value: unknown = {},
): ArgumentsOf<S, N> {
  const type = own(schema.commands, command);
  if (type?.gen !== false) return readData(schema, type, value, false) as ArgumentsOf<S, N>;
  if (kindOf(value) !== "object") throw wrongType(undefined, "object");
  return value as ArgumentsOf<S, N>;
}

/**
 * Reads what a command returned, sent by a peer who may be newer than the schema: see `readValue` for what that lets pass.
 *
 * @throws QmpError in QEMU's words
 */
export function readResult<const S extends Schema, N extends CommandName<S>>(
  schema: S,
  command: N,
  value: unknown,
): ResultOf<S, N> {
  const returns = own(schema.commands, command)?.returns;
  const result = returns === undefined ? {} : readReference(schema, returns, value, true);
  return result as ResultOf<S, N>;
}

/**
 * Reads the data of an event, sent by a peer who may be newer than the schema: see `readValue` for what that lets pass.
 *
 * @throws QmpError in QEMU's words
 */
export function readEventData<const S extends Schema, N extends EventName<S>>(
  schema: S,
  event: N,
  value: unknown = {},
): EventDataOf<S, N> {
  return readData(schema, own(schema.events, event), value, true) as EventDataOf<S, N>;
}

function readData(schema: Schema, type: EventType | undefined, value: unknown, lenient: boolean): unknown {
  const { data = {}, boxed } = type ?? {};
  if (boxed !== undefined) return readReference(schema, boxed, value, lenient);
  if (typeof data === "string") return readReference(schema, data, value, lenient);
  return readObject(schema, data, value, lenient);
}
