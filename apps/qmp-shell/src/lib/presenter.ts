import { writeJson, type JsonValue } from "@rehandle/json";
import { isQmpError } from "@rehandle/qapi";
import { fieldNumber, fieldsOf } from "./fields.ts";
import type { Palette } from "./palette.ts";
import type { PeerEvent } from "./peer-client.ts";
import { compactJson, prettyJson } from "./pretty-json.ts";
import { printable, printableLines } from "./printable.ts";
import { UsageError } from "./usage-error.ts";

/** How what a peer says is written. Nothing that comes out can move a terminal's cursor. */
export interface Presenter {
  /** The return value of a command; `id` is the one that its message had. */
  reply(value: unknown, id?: JsonValue): string;
  /** Why a command came to nothing. */
  failure(error: unknown, id?: JsonValue): string;
  event(event: PeerEvent): string;
}

/** For people. */
export function createPrettyPresenter(palette: Palette, columns: () => number): Presenter {
  return {
    reply: (value) => prettyJson(value, palette, columns()),
    failure: (error) => palette.error(failureText(error)),
    event: ({ event, data, timestamp }) => {
      const parts = [palette.dim(timeText(timestamp)), palette.event(printable(event))];
      const isEmpty = Object.keys(fieldsOf(data) ?? {}).length === 0;
      return [...parts, isEmpty ? "" : compactJson(data, palette)].filter((part) => part !== "").join(" ");
    },
  };
}

/** For programs: a message of QMP in each line. */
export function createJsonPresenter(): Presenter {
  return {
    reply: (value, id) => writeJson({ return: value, id }),
    failure: (error, id) =>
      isQmpError(error) ? writeJson({ error: { class: error.class, desc: error.desc }, id }) : failureText(error),
    event: ({ event, data, timestamp }) => writeJson({ event, data, timestamp }),
  };
}

/** The text of an error; a refusal of the peer's has its class before it. */
export function failureText(error: unknown): string {
  if (isQmpError(error)) return `${printable(error.class)}: ${printableLines(error.desc)}`;
  const hints = error instanceof UsageError ? error.hints : [];
  return printableLines([error instanceof Error ? error.message : String(error), ...hints].join("\n"));
}

/** The time of day of an event, if its clock worked. */
function timeText(timestamp: unknown): string {
  const fields = fieldsOf(timestamp);
  const seconds = fieldNumber(fields, "seconds") ?? -1;
  const time = new Date(seconds * 1000 + (fieldNumber(fields, "microseconds") ?? 0) / 1000);
  if (seconds < 0 || Number.isNaN(time.getTime())) return "";
  const digits = (value: number, width: number): string => String(value).padStart(width, "0");
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map((value) => digits(value, 2)).join(":");
  return `${clock}.${digits(time.getMilliseconds(), 3)}`;
}
