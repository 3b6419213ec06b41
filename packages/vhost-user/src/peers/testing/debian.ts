import { spawnSync } from "node:child_process";

/** Real programs that tests talk to, and the Debian packages that have them. */
const PACKAGES = { "qemu-storage-daemon": "qemu-system-common" } as const;

export type Program = keyof typeof PACKAGES;

/**
 * True if all of these programs are there. If one is missing, it says loudly which Debian package has it; where `CI` is
 * set, that is a failure.
 */
export function havePrograms(...programs: readonly Program[]): boolean {
  const missing = programs.filter((program) => spawnSync(program, ["--version"]).error !== undefined);
  if (missing.length === 0) return true;
  const packages = [...new Set(missing.map((program) => PACKAGES[program]))].join(" ");
  const message = `${missing.join(", ")} not found: install the Debian packages: ${packages}`;
  if (process.env["CI"] !== undefined) throw new Error(message);
  process.stderr.write(`\n*** SKIPPED: ${message} ***\n\n`);
  return false;
}
