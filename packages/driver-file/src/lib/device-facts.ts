import { promised, type FileSystem } from "./file-system.ts";

/** Bytes of the unit that /sys counts in, whatever the device's own blocks are. */
const SYS_SECTOR = 512;

/** What /sys tells of a block device; null where it does not. */
export interface DeviceFacts {
  /** Bytes. */
  readonly size: number | null;
  /** Bytes. */
  readonly logicalBlockSize: number | null;
  readonly rotational: boolean;
  /** Nothing can be written to the device, although Linux opens it for writing. */
  readonly readOnly: boolean;
  /** The device can make a range read as zeroes and give the blocks back. */
  readonly canUnmap: boolean;
}

/** Reads the facts of the device with the number `device`, as `st_rdev` of its node or `st_dev` of a file on it. */
export async function readDeviceFacts(fileSystem: FileSystem, device: number): Promise<DeviceFacts> {
  const base = `/sys/dev/block/${major(device)}:${minor(device)}`;
  const sectors = await readCount(fileSystem, `${base}/size`);
  // A partition has no queue of its own; its disk's is one folder up.
  const queue = async (name: string): Promise<number | null> =>
    (await readCount(fileSystem, `${base}/queue/${name}`)) ?? (await readCount(fileSystem, `${base}/../queue/${name}`));
  const discard = await queue("discard_max_bytes");
  const zeroes = await queue("write_zeroes_max_bytes");
  return {
    size: sectors === null ? null : sectors * SYS_SECTOR,
    logicalBlockSize: await queue("logical_block_size"),
    readOnly: (await readCount(fileSystem, `${base}/ro`)) === 1,
    rotational: (await queue("rotational")) === 1,
    canUnmap: discard !== null && discard > 0 && zeroes !== null && zeroes > 0,
  };
}

/** A device number has 12 bits of major between the lower 8 and the upper 12 of minor. */
function major(device: number): number {
  return (device >>> 8) & 0xfff;
}

function minor(device: number): number {
  return (device & 0xff) + ((device >>> 12) & 0xfff00);
}

async function readCount(fileSystem: FileSystem, path: string): Promise<number | null> {
  try {
    const text = (await promised<string>((done) => fileSystem.readText(path, done))).trim();
    return /^\d{1,15}$/.test(text) ? Number(text) : null;
  } catch {
    return null;
  }
}

/**
 * The size of a device that nothing tells the size of, found by reading: the least multiple of `unit` at which a read
 * yields nothing. Some 60 to 100 reads.
 */
export async function searchSize(canRead: (offset: number) => Promise<boolean>, unit: number): Promise<number> {
  if (!(await canRead(0))) return 0;
  let readable = 0;
  let end = 1;
  while (end * unit < 2 ** 52 && (await canRead(end * unit))) {
    readable = end;
    end *= 2;
  }
  while (end - readable > 1) {
    const middle = readable + Math.floor((end - readable) / 2);
    if (await canRead(middle * unit)) readable = middle;
    else end = middle;
  }
  return end * unit;
}
