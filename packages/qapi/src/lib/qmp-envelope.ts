import { isJsonObject, type JsonObject, type JsonValue } from "@rehandle/json";
import { QmpError } from "./qmp-error.ts";

/** A request whose envelope is right; the command and its arguments are still to be checked. */
export interface QmpRequest {
  readonly command: string;
  /** True if it came as `exec-oob` and may overtake others. */
  readonly outOfBand: boolean;
  readonly args: JsonObject | undefined;
}

/** The `id` of a request; undefined if there is none, or if it is no object. */
export function requestId(value: JsonValue): JsonValue | undefined {
  return isJsonObject(value) ? value["id"] : undefined;
}

/** Checks what surrounds a command. @throws QmpError of the first member that is wrong */
export function readRequest(value: JsonValue, allowOob: boolean): QmpRequest {
  if (!isJsonObject(value)) throw new QmpError("QMP input must be a JSON object");
  let execKey: string | undefined;
  let command = "";
  let args: JsonObject | undefined;
  for (const [key, member] of Object.entries(value)) {
    if (key === "execute" || (key === "exec-oob" && allowOob)) {
      if (typeof member !== "string") throw new QmpError(`QMP input member '${key}' must be a string`);
      if (execKey !== undefined) throw new QmpError(`QMP input member '${key}' clashes with '${execKey}'`);
      execKey = key;
      command = member;
    } else if (key === "arguments") {
      if (!isJsonObject(member)) throw new QmpError("QMP input member 'arguments' must be an object");
      args = member;
    } else if (key !== "id") throw new QmpError(`QMP input member '${key}' is unexpected`);
  }
  if (execKey === undefined) throw new QmpError("QMP input lacks member 'execute'");
  return { command, outOfBand: execKey === "exec-oob", args };
}
