import type { JsonObject } from "@rehandle/json";
import { fieldNumber, fieldsList, fieldsOf, fieldText, type Fields } from "./fields.ts";
import { formatBytes } from "./table.ts";

/** A table that is made of the reply to one command. */
export interface View {
  readonly name: string;
  readonly help: string;
  readonly command: string;
  /** Sent if the command takes them. */
  readonly args: JsonObject;
  readonly columns: readonly Column[];
  /** What is said instead of a table without rows. */
  readonly none: string;
}

/** A column: what it is headed, and what it shows of one entry. `now` is ms since 1970. */
type Column = readonly [heading: string, cell: (entry: Fields, now: number) => string];

const NODE: Column = ["NODE", (entry) => fieldText(entry, "node-name")];

/** The columns that a node's description has, wherever it stands. */
function nodeColumns(description: (entry: Fields) => Fields | undefined): readonly Column[] {
  return [
    ["NODE", (entry) => fieldText(description(entry), "node-name")],
    ["DRIVER", (entry) => fieldText(description(entry), "drv")],
    ["SIZE", (entry) => formatBytes(fieldNumber(fieldsOf(description(entry)?.["image"]), "virtual-size"))],
    ["MODE", (entry) => modeText(description(entry))],
    ["FILE", (entry) => fieldText(description(entry), "file")],
  ];
}

/** All views, by what comes after `info`. */
export const VIEWS: readonly View[] = [
  {
    name: "block",
    help: "drives and what is in them",
    command: "query-block",
    args: {},
    columns: [
      ["DEVICE", (entry) => fieldText(entry, "device") || fieldText(entry, "qdev")],
      ["STATUS", (entry) => fieldText(entry, "io-status")],
      ...nodeColumns((entry) => fieldsOf(entry["inserted"])),
    ],
    none: "no drives",
  },
  {
    name: "nodes",
    help: "block nodes",
    command: "query-named-block-nodes",
    args: { flat: true },
    columns: nodeColumns((entry) => entry),
    none: "no block nodes",
  },
  {
    name: "exports",
    help: "block exports",
    command: "query-block-exports",
    args: {},
    columns: [
      ["EXPORT", (entry) => fieldText(entry, "id")],
      ["TYPE", (entry) => fieldText(entry, "type")],
      NODE,
      ["STATE", (entry) => (entry["shutting-down"] === true ? "shutting down" : "")],
    ],
    none: "no exports",
  },
  {
    name: "rehandle",
    help: "held requests, outage and timeout of rehandle nodes",
    command: "query-rehandle",
    args: {},
    columns: [
      NODE,
      ["DEVICE", (entry) => fieldText(entry, "device")],
      ["STATUS", statusText],
      ["HELD", (entry) => fieldText(entry, "held")],
      ["BYTES", (entry) => formatBytes(fieldNumber(entry, "held-bytes"))],
      ["OLDEST", (entry) => formatSeconds(fieldNumber(entry, "oldest-held"))],
      ["TIMEOUT", timeoutText],
      ["OUTAGE", (entry) => fieldText(fieldsOf(entry["outage"]), "id")],
      ["FOR", (entry, now) => outageAge(entry, now)],
      ["REASON", (entry) => fieldText(fieldsOf(entry["outage"]), "reason")],
    ],
    none: "no rehandle nodes",
  },
];

/** The rows that a reply makes in a view. */
export function viewRows(view: View, reply: unknown, now: number): string[][] {
  return fieldsList(reply).map((entry) => view.columns.map(([, cell]) => cell(entry, now)));
}

function modeText(description: Fields | undefined): string {
  const isReadOnly = description?.["ro"];
  return typeof isReadOnly === "boolean" ? (isReadOnly ? "ro" : "rw") : "";
}

function statusText(entry: Fields): string {
  const words = [fieldText(entry, "status")];
  if (entry["enabled"] === false) words.push("off");
  if (entry["paused"] === true) words.push("paused");
  if (fieldsOf(entry["outage"])?.["timed-out"] === true) words.push("timed out");
  return words.join(", ");
}

/** As the RFC has it 0 is off; what is for ever is the largest number that there is. */
function timeoutText(entry: Fields): string {
  const seconds = fieldNumber(entry, "iohang-timeout");
  if (seconds === undefined) return "";
  if (seconds === 0) return "off";
  return seconds > Number.MAX_SAFE_INTEGER ? "forever" : `${seconds} s`;
}

function outageAge(entry: Fields, now: number): string {
  const since = fieldNumber(fieldsOf(entry["outage"]), "since");
  return formatSeconds(since === undefined ? undefined : Math.max(0, now - since));
}

function formatSeconds(ms: number | undefined): string {
  return ms === undefined ? "" : `${(ms / 1000).toFixed(1)} s`;
}
