import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** Where the Debian package user-mode-linux has the modules of its kernel. */
const MODULES = "/usr/lib/uml/modules";

/** The modules of User-Mode Linux; undefined if it is not installed. */
export function userModeKernel(): { release: string; modules: string[] } | undefined {
  const release = existsSync(MODULES) ? readdirSync(MODULES).toSorted().at(-1) : undefined;
  if (release === undefined) return undefined;
  const folder = join(MODULES, release);
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return { release, modules: files.map((file) => join(folder, file)) };
}
