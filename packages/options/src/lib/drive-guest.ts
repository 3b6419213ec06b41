import { DRIVE_KEYS } from "./drive-keys.ts";
import {
  checkIdFree,
  checkInterface,
  findPlace,
  madeId,
  obeysErrorActions,
  type DriveContext,
  type DriveInterface,
  type DrivePlace,
} from "./drive-place.ts";
import { parseMedia } from "./drive-words.ts";
import { readOpts, type QemuOpt } from "./opt-description.ts";
import { OptionError } from "./option-error.ts";

const { file, bus, unit, index, media: mediaKey, if: interfaceKey } = DRIVE_KEYS;

/** What belongs to the guest's side of a drive. */
const GUEST_KEYS = {
  file,
  bus,
  unit,
  index,
  media: mediaKey,
  if: interfaceKey,
  "read-only": DRIVE_KEYS["read-only"],
  "copy-on-read": DRIVE_KEYS["copy-on-read"],
} as const;

/** What the guest sees of a drive. */
export interface GuestSide {
  readonly file: string | undefined;
  readonly id: string;
  readonly type: DriveInterface;
  readonly place: DrivePlace;
  readonly media: "disk" | "cdrom";
  readonly readOnly: boolean;
  readonly copyOnRead: boolean;
}

/**
 * Reads what QEMU reads first of a drive.
 *
 * @param given the id, if there was one
 * @param warnings gets lines that QEMU prints
 */
export function readGuestSide(
  given: string | undefined,
  options: readonly QemuOpt[],
  context: DriveContext,
  warnings: string[],
): GuestSide {
  const values = readOpts(GUEST_KEYS, options);
  const media = parseMedia(values.media);
  const readOnly = values["read-only"] || media === "cdrom";
  const copyOnRead = values["copy-on-read"] && !readOnly;
  if (copyOnRead !== values["copy-on-read"]) warnings.push("disabling copy-on-read on read-only drive");
  const type = checkInterface(values.if);
  const place = findPlace(type, values, context);
  checkErrorActions(type, options);
  const id = given ?? madeId(type, media === "cdrom", place);
  if (given === undefined) checkIdFree(id, context);
  return { file: values.file, id, type, place, media, readOnly, copyOnRead };
}

function checkErrorActions(type: DriveInterface, options: readonly QemuOpt[]): void {
  if (obeysErrorActions(type)) return;
  for (const path of ["werror", "rerror"]) {
    if (options.some(({ key }) => key === path)) {
      throw new OptionError(`${path} is not supported by this bus type`, { code: "inconsistent", path });
    }
  }
}
