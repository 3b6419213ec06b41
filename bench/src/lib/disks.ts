/** The disks of a run, in its folder: one large one, and many small ones. */
import { randomFillSync } from "node:crypto";
import { closeSync, fdatasyncSync, mkdirSync, openSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { SMALL_DISK } from "./clients.ts";
import { REGION } from "./fio-arguments.ts";
import { DISK, type Place } from "./subject.ts";

const MIB = 1024 * 1024;
const BLOCK = 4096;
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

/**
 * Writes to the part of the disk that loads use, so that all of its pages are dirty. The first write to a clean page costs the
 * file system more than those after it do, and that must not be a greater part of a short run than of a long one.
 */
export function makeDirty({ disk, size }: Storage): void {
  const file = openSync(disk, "r+");
  const buffer = new Uint8Array(4 * MIB);
  for (let at = 0; at < Math.min(size, REGION); at += buffer.length) {
    const length = readSync(file, buffer, 0, buffer.length, at);
    writeSync(file, buffer, 0, length, at);
  }
  closeSync(file);
}

/**
 * Noise, so that neither holes nor zeroes can be skipped. By single blocks: what was written in large pieces is in the page
 * cache in large folios, and ext4 looks at all blocks of a folio for each write to one of them, which takes ten times as long
 * and hides what a server takes.
 */
function writeNoise(path: string, size: number): void {
  const file = openSync(path, "w");
  const noise = new Uint8Array(Math.min(size, 16 * MIB));
  randomFillSync(noise);
  for (let at = 0; at < size; at += BLOCK) writeSync(file, noise, at % noise.length, Math.min(BLOCK, size - at), at);
  fdatasyncSync(file);
  closeSync(file);
}
