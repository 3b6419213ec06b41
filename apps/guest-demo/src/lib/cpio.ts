/** One entry of an archive. */
export interface CpioEntry {
  /** Without a slash at its beginning. Its folder must be an entry before it. */
  readonly path: string;
  readonly content: CpioContent;
}

/** What an entry is. */
export type CpioContent =
  | { readonly type: "folder" }
  | { readonly type: "file"; readonly bytes: Uint8Array; readonly executable: boolean }
  | { readonly type: "link"; readonly target: string }
  | { readonly type: "character device"; readonly major: number; readonly minor: number };

const TRAILER = "TRAILER!!!";
const S_IFDIR = 0o040000;
const S_IFCHR = 0o020000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;

interface Fields {
  readonly name: string;
  readonly inode: number;
  readonly mode: number;
  readonly bytes: Uint8Array;
  readonly major: number;
  readonly minor: number;
}

const NOTHING = new Uint8Array(0);

/**
 * A cpio archive in the form that Linux takes as an initramfs ("newc", Documentation/driver-api/early-userspace). All belongs
 * to root; times are 0, so that the same entries give the same bytes.
 */
export function writeCpio(entries: readonly CpioEntry[]): Uint8Array {
  const parts = entries.flatMap(({ path, content }, index) => record(fieldsOf(path, index + 1, content)));
  const end = record({ name: TRAILER, inode: 0, mode: 0, bytes: NOTHING, major: 0, minor: 0 });
  return Buffer.concat([...parts, ...end]);
}

function fieldsOf(name: string, inode: number, content: CpioContent): Fields {
  const empty = { name, inode, bytes: NOTHING, major: 0, minor: 0 };
  switch (content.type) {
    case "folder":
      return { ...empty, mode: S_IFDIR | 0o755 };
    case "file":
      return { ...empty, mode: S_IFREG | (content.executable ? 0o755 : 0o644), bytes: content.bytes };
    case "link":
      return { ...empty, mode: S_IFLNK | 0o777, bytes: Buffer.from(content.target) };
    case "character device":
      break;
  }
  return { ...empty, mode: S_IFCHR | 0o600, major: content.major, minor: content.minor };
}

/** Header, name and bytes, each filled up to a multiple of four. */
function record({ name, inode, mode, bytes, major, minor }: Fields): Uint8Array[] {
  const nameBytes = Buffer.from(`${name}\0`);
  const links = 1;
  const numbers = [inode, mode, 0, 0, links, 0, bytes.length, 0, 0, major, minor, nameBytes.length, 0];
  const header = `070701${numbers.map((number) => number.toString(16).padStart(8, "0")).join("")}`;
  return [padded(Buffer.concat([Buffer.from(header), nameBytes])), padded(bytes)];
}

function padded(bytes: Uint8Array): Uint8Array {
  const missing = -bytes.length & 3;
  return missing === 0 ? bytes : Buffer.concat([bytes, new Uint8Array(missing)]);
}
