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
export interface WantedPlace {
  readonly bus: number | undefined;
  readonly unit: number | undefined;
  readonly index: number | undefined;
}

/** Finds the place that was asked for, or the first free one, and takes it. */
export function takePlace(type: DriveInterface, wanted: WantedPlace, context: DriveContext): DrivePlace {
  const most = UNITS_PER_BUS.get(type) ?? 0;
  const { bus, unit } = findPlace(type, most, wanted, context);
  if (most > 0 && unit >= most) {
    throw new OptionError(`unit ${unit} too big (max is ${most - 1})`, { code: "out-of-range", path: "unit" });
  }
  const key = `${type}:${bus}:${unit}`;
  if (context.places.has(key)) {
    const index = most > 0 ? bus * most + unit : unit;
    const message = `drive with bus=${bus}, unit=${unit} (index=${index}) exists`;
    throw new OptionError(message, { code: "duplicate", path: "index" });
  }
  context.places.add(key);
  return { bus, unit };
}

function findPlace(type: string, most: number, { bus, unit, index }: WantedPlace, context: DriveContext): DrivePlace {
  if (index !== undefined) {
    if ((bus ?? 0) !== 0 || unit !== undefined) {
      throw new OptionError("index cannot be used with bus and unit", { code: "inconsistent", path: "index" });
    }
    return most > 0 ? { bus: Math.floor(index / most), unit: index % most } : { bus: 0, unit: index };
  }
  if (unit !== undefined) return { bus: bus ?? 0, unit };
  let free = { bus: bus ?? 0, unit: 0 };
  while (context.places.has(`${type}:${free.bus}:${free.unit}`)) {
    const full = most > 0 && free.unit + 1 >= most;
    free = full ? { bus: free.bus + 1, unit: 0 } : { bus: free.bus, unit: free.unit + 1 };
  }
  return free;
}

/** Takes the id that was given, or makes one of the place as QEMU does: `ide0-hd1`, `none0`. */
export function takeId(
  given: string | undefined,
  type: DriveInterface,
  isCdrom: boolean,
  { bus, unit }: DrivePlace,
  context: DriveContext,
): string {
  const media = type === "ide" || type === "scsi" ? (isCdrom ? "-cd" : "-hd") : "";
  const hasBuses = (UNITS_PER_BUS.get(type) ?? 0) > 0;
  const id = given ?? (hasBuses ? `${type}${bus}${media}${unit}` : `${type}${media}${unit}`);
  if (context.ids.has(id)) throw new OptionError(`Duplicate ID '${id}' for drive`, { code: "duplicate", path: "id" });
  context.ids.add(id);
  return id;
}
