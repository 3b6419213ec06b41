import { findProgram } from "../lib/program-files.ts";

/** Programs that guests consist of and run on, and the Debian packages that have them. */
const PACKAGES = {
  busybox: "busybox-static",
  e2fsck: "e2fsprogs",
  "linux.uml": "user-mode-linux",
  mke2fs: "e2fsprogs",
  nbdkit: "nbdkit",
  "qemu-storage-daemon": "qemu-system-common",
  "qemu-system-x86_64": "qemu-system-x86",
  resize2fs: "e2fsprogs",
} as const;

export type Program = keyof typeof PACKAGES;

/** What every guest consists of. */
const OF_GUESTS: readonly Program[] = ["busybox", "e2fsck", "mke2fs", "resize2fs"];

/**
 * True if these programs are there, and what a guest consists of. If one is missing it says so loudly, with the Debian
 * package that has it; where `CI` is set that is a failure.
 */
export function haveGuestPrograms(...programs: readonly Program[]): boolean {
  const missing = [...OF_GUESTS, ...programs].filter((program) => findProgram(program) === undefined);
  if (missing.length === 0) return true;
  const packages = [...new Set(missing.map((program) => PACKAGES[program]))].join(" ");
  const why = `${missing.join(", ")} not found: install the Debian packages: ${packages}`;
  if (process.env["CI"] !== undefined) throw new Error(why);
  process.stderr.write(`\n*** SKIPPED: ${why} ***\n\n`);
  return false;
}
