/** The disks of a run, in its folder: one large one, and many small ones. */
import { randomFillSync } from "node:crypto";
import { closeSync, fdatasyncSync, mkdirSync, openSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { SMALL_DISK } from "./clients.ts";
import { DISK, type Place } from "./subject.ts";

const MIB = 1024 * 1024;
/** How many exports the stage with many of them has. */
export const SMALL_DISKS = 100;

/** What the places of all servers of a run have in common. */
export type Storage = Omit<Place, "socket">;

/** Creates a disk of `size` bytes and as many small ones as are said. */
export function createStorage(
  folder: string,
  size: number,
  smallDisks: number,
  ours: Pick<Place, "node" | "daemon">,
): Storage {
  const small = join(folder, "exports");
  const names = Array.from({ length: smallDisks }, (_, at) => `disk${at}`);
  const storage = {
    disk: join(folder, DISK),
    size,
    upstream: join(folder, "upstream.sock"),
    folder: small,
    names,
    ...ours,
  };
  mkdirSync(small);
  writeNoise(storage.disk, size);
  for (const name of names) writeNoise(join(small, name), SMALL_DISK);
  return storage;
}

/** Brings the whole disk into the page cache. */
export function warm({ disk }: Storage): void {
  const file = openSync(disk, "r");
  const buffer = new Uint8Array(4 * MIB);
  while (readSync(file, buffer) > 0);
  closeSync(file);
}

/** Waits until all that was written has been stored, so that no run has to bear what one before it left behind. */
export function settle({ disk }: Storage): void {
  const file = openSync(disk, "r+");
  fdatasyncSync(file);
  closeSync(file);
}

/** Noise, so that neither holes nor zeroes can be skipped. */
function writeNoise(path: string, size: number): void {
  const file = openSync(path, "w");
  const noise = new Uint8Array(Math.min(size, 16 * MIB));
  randomFillSync(noise);
  for (let at = 0; at < size; at += noise.length) writeSync(file, noise, 0, Math.min(noise.length, size - at));
  fdatasyncSync(file);
  closeSync(file);
}
