import { readFileSync } from "node:fs";
import type { QmpVersion } from "@rehandle/qapi";

/** The program's name, as errors show it. */
export const PROGRAM = "rehandle-storage-daemon";

/** This package's version. */
const VERSION: string = readVersion();

/** The QEMU whose command line and monitor this program speaks, and in `package` what it really is. */
export const QMP_VERSION: QmpVersion = { major: 7, minor: 2, micro: 0, package: `${PROGRAM} ${VERSION}` };

/** The text of `--version`. */
export const VERSION_TEXT: string = `${PROGRAM} version ${VERSION}\nSpeaks the command line and QMP of qemu-storage-daemon 7.2\n`;

function readVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  return typeof manifest === "object" && manifest !== null && "version" in manifest ? String(manifest.version) : "0";
}
