import { OptionError } from "./option-error.ts";

/**
 * What happens to a failed write. `enospc` is `stop` for ENOSPC and `report` for all else; `retry` tries it again, and is no
 * word of QEMU's own but of the RFC's successor ("Add retry for werror=/rerror= mechanism", v5).
 */
export type DriveWriteAction = "ignore" | "enospc" | "stop" | "report" | "retry";

/** What happens to a failed read. */
export type DriveReadAction = "ignore" | "stop" | "report" | "retry";

/** The three switches behind the word of `cache=`. */
export interface DriveCache {
  readonly writeback: boolean;
  readonly direct: boolean;
  readonly noFlush: boolean;
}

const CACHE_MODES: ReadonlyMap<string, DriveCache> = new Map([
  ["none", { writeback: true, direct: true, noFlush: false }],
  ["off", { writeback: true, direct: true, noFlush: false }],
  ["writeback", { writeback: true, direct: false, noFlush: false }],
  ["writethrough", { writeback: false, direct: false, noFlush: false }],
  ["directsync", { writeback: false, direct: true, noFlush: false }],
  ["unsafe", { writeback: true, direct: false, noFlush: true }],
]);

const DISCARD: ReadonlyMap<string, "ignore" | "unmap"> = new Map([
  ["ignore", "ignore"],
  ["off", "ignore"],
  ["unmap", "unmap"],
  ["on", "unmap"],
]);

/** A word that must be one of `words`; else the error says `message`. */
function choose<T extends string>(words: readonly T[], word: string, path: string, message: string): T {
  const found = words.find((known) => known === word);
  if (found !== undefined) return found;
  throw new OptionError(message, { code: "invalid-value", path });
}

function invalid(path: string, message: string): OptionError {
  return new OptionError(message, { code: "invalid-value", path });
}

export function parseCacheMode(word: string): DriveCache {
  const mode = CACHE_MODES.get(word);
  if (mode === undefined) throw invalid("cache", "invalid cache option");
  return mode;
}

export function parseDiscard(word: string): "ignore" | "unmap" {
  const discard = DISCARD.get(word);
  if (discard === undefined) throw invalid("discard", "Invalid discard option");
  return discard;
}

export function parseMedia(word: string): "disk" | "cdrom" {
  return choose(["disk", "cdrom"], word, "media", `'${word}' invalid media`);
}

export function parseAio(word: string): "threads" | "native" | "io_uring" {
  return choose(["threads", "native", "io_uring"], word, "aio", "invalid aio option");
}

export function parseDetectZeroes(word: string): "off" | "on" | "unmap" {
  return choose(["off", "on", "unmap"], word, "detect-zeroes", `invalid parameter value: ${word}`);
}

export function parseWriteAction(word: string): DriveWriteAction {
  return choose(
    ["ignore", "enospc", "stop", "report", "retry"],
    word,
    "werror",
    `'${word}' invalid write error action`,
  );
}

export function parseReadAction(word: string): DriveReadAction {
  return choose(["ignore", "stop", "report", "retry"], word, "rerror", `'${word}' invalid read error action`);
}
