import { OptionError } from "./option-error.ts";

/** The interfaces that a drive can have, and how many units fit on one bus of each; 0 is no bound. */
const UNITS_PER_BUS: ReadonlyMap<string, number> = new Map([
  ["none", 0],
  ["ide", 2],
  ["scsi", 7],
  ["floppy", 0],
  ["pflash", 0],
  ["mtd", 0],
  ["sd", 0],
  ["virtio", 0],
  ["xen", 0],
]);

/** Interfaces of `-drive`. */
export type DriveInterface = "none" | "ide" | "scsi" | "floppy" | "pflash" | "mtd" | "sd" | "virtio" | "xen";

/** Interfaces whose devices obey werror and rerror. */
const ERROR_ACTIONS: ReadonlySet<string> = new Set(["ide", "scsi", "virtio", "none"]);

/** What the drives of one command line have to know of each other: the ids and the places that are taken. */
export interface DriveContext {
  readonly ids: Set<string>;
  /** `interface:bus:unit` */
  readonly places: Set<string>;
}

/** A context in which there is no drive yet. */
export function createDriveContext(): DriveContext {
  return { ids: new Set(), places: new Set() };
}

/** Checks the word of `if=`. */
export function checkInterface(word: string): DriveInterface {
  if (UNITS_PER_BUS.has(word)) return word as DriveInterface;
  throw new OptionError(`unsupported bus type '${word}'`, { code: "invalid-value", path: "if" });
}

/** True if werror and rerror mean something there. */
export function obeysErrorActions(type: DriveInterface): boolean {
  return ERROR_ACTIONS.has(type);
}

/** A drive's place on its interface. */
export interface DrivePlace {
  readonly bus: number;
  readonly unit: number;
}

/** What was asked for. */
interface WantedPlace {
  readonly bus?: number | bigint;
  readonly unit?: number | bigint;
  readonly index?: number | bigint;
}

/** Finds the place that was asked for, or the first free one. */
export function findPlace(type: DriveInterface, wanted: WantedPlace, context: DriveContext): DrivePlace {
  const most = UNITS_PER_BUS.get(type) ?? 0;
  const index = toInt(wanted.index ?? -1);
  const { bus, unit } = placeOf(type, most, toInt(wanted.bus ?? 0), toInt(wanted.unit ?? -1), index, context);
  if (most > 0 && unit >= most) {
    throw new OptionError(`unit ${unit} too big (max is ${most - 1})`, { code: "out-of-range", path: "unit" });
  }
  if (context.places.has(`${type}:${bus}:${unit}`)) {
    const message = `drive with bus=${bus}, unit=${unit} (index=${index}) exists`;
    throw new OptionError(message, { code: "duplicate", path: "index" });
  }
  return { bus, unit };
}

/** QEMU keeps them in a C int. */
function toInt(value: number | bigint): number {
  return Number(BigInt.asIntN(32, BigInt(value)));
}

/** A unit or an index of -1 was not given. */
function placeOf(
  type: string,
  most: number,
  bus: number,
  unit: number,
  index: number,
  context: DriveContext,
): DrivePlace {
  if (index !== -1) {
    if (bus !== 0 || unit !== -1) {
      throw new OptionError("index cannot be used with bus and unit", { code: "inconsistent", path: "index" });
    }
    return most > 0 ? { bus: Math.trunc(index / most), unit: index % most } : { bus: 0, unit: index };
  }
  if (unit !== -1) return { bus, unit };
  let free = { bus, unit: 0 };
  while (context.places.has(`${type}:${free.bus}:${free.unit}`)) {
    const full = most > 0 && free.unit + 1 >= most;
    free = full ? { bus: free.bus + 1, unit: 0 } : { bus: free.bus, unit: free.unit + 1 };
  }
  return free;
}

/** The id that QEMU makes of a place: `ide0-hd1`, `none0`. */
export function madeId(type: DriveInterface, isCdrom: boolean, { bus, unit }: DrivePlace): string {
  const media = type === "ide" || type === "scsi" ? (isCdrom ? "-cd" : "-hd") : "";
  const hasBuses = (UNITS_PER_BUS.get(type) ?? 0) > 0;
  return hasBuses ? `${type}${bus}${media}${unit}` : `${type}${media}${unit}`;
}

/** Throws if another drive has the id. */
export function checkIdFree(id: string | undefined, context: DriveContext): void {
  if (id === undefined || !context.ids.has(id)) return;
  throw new OptionError(`Duplicate ID '${id}' for drive`, { code: "duplicate", path: "id" });
}

/** Lets no other drive have the place and the id. */
export function takePlace(type: DriveInterface, { bus, unit }: DrivePlace, id: string, context: DriveContext): void {
  context.places.add(`${type}:${bus}:${unit}`);
  context.ids.add(id);
}
