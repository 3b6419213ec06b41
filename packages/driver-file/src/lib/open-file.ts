import { constants } from "node:fs";

import type { AbortSignalLike } from "@rehandle/driver-sdk";

import { allocateAligned } from "./aligned-memory.ts";
import { readDeviceFacts, searchSize, type DeviceFacts } from "./device-facts.ts";
import type { ResolvedOptions } from "./file-driver-options.ts";
import { promised, type FileStatus, type FileSystem } from "./file-system.ts";
import { openError, refuseToOpen } from "./open-error.ts";

/** An open file and what is known of it. */
export interface OpenFile {
  readonly fd: number;
  /** Bytes. */
  readonly size: number;
  readonly readOnly: boolean;
  readonly blockDevice: boolean;
  /** Bytes; 1 without O_DIRECT. */
  readonly alignment: number;
  /** Bytes; of block devices' fallocate, which is not for smaller units even without O_DIRECT. 1 for files. */
  readonly blockSize: number;
  /** Bytes. */
  readonly preferredBlockSize: number;
  readonly rotational: boolean;
  /** For a block device: it says that it can punch holes. */
  readonly canUnmap: boolean;
}

/** Bytes; taken where nothing tells the unit of a device. */
const USUAL_BLOCK = 4096;
/** Bytes; the contract's largest alignment, and the largest logical block that Linux knows. */
const LARGEST_BLOCK = 65_536;

/** 0 on a system without it. */
const O_DIRECT: number = (constants as { readonly O_DIRECT?: number }).O_DIRECT ?? 0;

/**
 * Opens the file and finds out about it.
 * @throws BlockError; nothing is left open then.
 */
export async function openFile(
  options: ResolvedOptions,
  fileSystem: FileSystem,
  signal: AbortSignalLike | undefined,
): Promise<OpenFile> {
  const { filename, cacheDirect } = options;
  if (cacheDirect && O_DIRECT === 0) {
    throw refuseToOpen(`Could not open '${filename}': O_DIRECT is not supported on this platform`, "ENOTSUP");
  }
  // Looked at before it is opened: opening a FIFO waits for its other end.
  requireStorage(filename, await status(filename, fileSystem));
  throwIfAborted(filename, signal);
  const { fd, readOnly } = await openEither(options, fileSystem);
  try {
    throwIfAborted(filename, signal);
    const { writeProtected, ...found } = await examine(options, fileSystem, fd);
    if (writeProtected && !readOnly && !options.autoReadOnly) throw Object.assign(new Error(), { code: "EACCES" });
    return { ...found, fd, readOnly: readOnly || writeProtected };
  } catch (error) {
    await promised<void>((done) => fileSystem.close(fd, (failure) => done(failure, undefined))).catch(() => {});
    throw openError(filename, error);
  }
}

function status(filename: string, fileSystem: FileSystem): Promise<FileStatus> {
  return promised<FileStatus>((done) => fileSystem.stat(filename, done)).catch((error: unknown) => {
    throw openError(filename, error);
  });
}

function requireStorage(filename: string, found: FileStatus): void {
  if (found.isFile() || found.isBlockDevice()) return;
  throw refuseToOpen(`'file' driver requires '${filename}' to be a regular file or a block device`, "EINVAL");
}

function throwIfAborted(filename: string, signal: AbortSignalLike | undefined): void {
  if (signal?.aborted === true) throw refuseToOpen(`Could not open '${filename}': given up`, "ECANCELED");
}

async function openEither(
  options: ResolvedOptions,
  fileSystem: FileSystem,
): Promise<{ fd: number; readOnly: boolean }> {
  const { filename, cacheDirect, autoReadOnly } = options;
  const open = (readOnly: boolean): Promise<number> => {
    const access = readOnly ? constants.O_RDONLY : constants.O_RDWR;
    return promised<number>((done) => fileSystem.open(filename, access | (cacheDirect ? O_DIRECT : 0), done));
  };
  try {
    try {
      return { fd: await open(options.readOnly), readOnly: options.readOnly };
    } catch (error) {
      if (options.readOnly || !autoReadOnly || !["EACCES", "EPERM", "EROFS"].includes(codeOf(error))) throw error;
      return { fd: await open(true), readOnly: true };
    }
  } catch (error) {
    if (cacheDirect && codeOf(error) === "EINVAL") {
      throw refuseToOpen(`Could not open '${filename}': filesystem does not support O_DIRECT`, "EINVAL", error);
    }
    throw openError(filename, error);
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

async function examine(
  options: ResolvedOptions,
  fileSystem: FileSystem,
  fd: number,
): Promise<Omit<OpenFile, "fd" | "readOnly"> & { writeProtected: boolean }> {
  const { filename, cacheDirect } = options;
  const found = await promised<FileStatus>((done) => fileSystem.fstat(fd, done));
  requireStorage(filename, found);
  const blockDevice = found.isBlockDevice();
  const facts = await readDeviceFacts(fileSystem, blockDevice ? found.rdev : found.dev);
  const alignment = cacheDirect ? await directAlignment(fileSystem, fd, facts) : 1;
  const size = blockDevice ? await deviceSize(fileSystem, fd, facts) : found.size;
  if (!Number.isSafeInteger(size)) throw refuseToOpen(`Could not open '${filename}': File too large`, "EFBIG");
  if (size % alignment !== 0) {
    throw refuseToOpen(
      `Could not open '${filename}': cache.direct requires the size, ${size} bytes, to be a multiple of ${alignment}`,
      "EINVAL",
    );
  }
  return {
    size,
    blockDevice,
    writeProtected: blockDevice && facts.readOnly,
    alignment,
    blockSize: blockDevice ? (facts.logicalBlockSize ?? USUAL_BLOCK) : 1,
    preferredBlockSize: Math.max(USUAL_BLOCK, alignment, isBlockSize(found.blksize) ? found.blksize : 0),
    rotational: blockDevice && facts.rotational,
    canUnmap: facts.canUnmap,
  };
}

function isBlockSize(value: number): boolean {
  return value >= 512 && value <= 0x400_0000 && Number.isInteger(Math.log2(value));
}

/**
 * The least unit that O_DIRECT takes, found by reading, as QEMU does. A read of one byte that succeeds shows that nothing is
 * checked here (a hole, an empty file): then the device's word is taken, or else a page.
 */
async function directAlignment(fileSystem: FileSystem, fd: number, facts: DeviceFacts): Promise<number> {
  const buffer = allocateAligned(LARGEST_BLOCK);
  for (const unit of [1, 512, 1024, 2048, 4096, 8192, 16_384, 32_768, LARGEST_BLOCK]) {
    try {
      await promised<number>((done) => fileSystem.read(fd, buffer, 0, unit, 0, done));
    } catch (error) {
      if (codeOf(error) === "EINVAL") continue;
      throw error;
    }
    return unit === 1 ? (facts.logicalBlockSize ?? USUAL_BLOCK) : unit;
  }
  throw Object.assign(new Error("O_DIRECT reads fail with every alignment"), { code: "EINVAL" });
}

async function deviceSize(fileSystem: FileSystem, fd: number, facts: DeviceFacts): Promise<number> {
  if (facts.size !== null) return facts.size;
  const unit = facts.logicalBlockSize ?? USUAL_BLOCK;
  const buffer = allocateAligned(unit);
  return searchSize(
    async (offset) => (await promised<number>((done) => fileSystem.read(fd, buffer, 0, unit, offset, done))) > 0,
    unit,
  );
}
