/** Offsets in a bzImage, Documentation/x86/boot.rst. */
const SETUP_SECTS = 0x1f1;
const PAYLOAD_OFFSET = 0x248;
const PAYLOAD_LENGTH = 0x24c;
const SECTOR = 512;
/** The "legacy" LZ4 frame, which the kernel's build uses; little endian. */
const LZ4_LEGACY = 0x184c2102;
/** What a block of it holds at most, bytes. */
const LZ4_BLOCK = 8 * 1024 * 1024;
const ELF = 0x464c457f;

/**
 * The kernel inside of a bzImage, as QEMU can start it right away (x86/HVM direct boot): emulated, the kernel would need a
 * second to decompress itself. Null if it is not compressed with LZ4.
 */
export function extractVmlinux(bzImage: Buffer): Buffer | null {
  const setup = (bzImage.readUInt8(SETUP_SECTS) + 1) * SECTOR;
  const start = setup + bzImage.readUInt32LE(PAYLOAD_OFFSET);
  // The last four bytes are the size of the kernel.
  const end = start + bzImage.readUInt32LE(PAYLOAD_LENGTH) - 4;
  if (bzImage.readUInt32LE(start) !== LZ4_LEGACY) return null;
  const vmlinux = Buffer.alloc(bzImage.readUInt32LE(end));
  let to = 0;
  for (let from = start + 4; from < end;) {
    const size = bzImage.readUInt32LE(from);
    from += 4;
    to += decompressBlock(bzImage.subarray(from, from + size), vmlinux.subarray(to, to + LZ4_BLOCK));
    from += size;
  }
  return to === vmlinux.length && vmlinux.readUInt32LE(0) === ELF ? vmlinux : null;
}

/** One LZ4 block (lz4_Block_format.md): runs of literals, and copies of what came before. Returns how many bytes it has. */
function decompressBlock(from: Buffer, to: Buffer): number {
  let input = 0;
  let output = 0;
  const length = (nibble: number): number => {
    let sum = nibble;
    if (nibble < 15) return sum;
    for (let more = 255; more === 255; sum += more) more = from.readUInt8(input++);
    return sum;
  };
  while (input < from.length) {
    const token = from.readUInt8(input++);
    const literals = length(token >> 4);
    from.copy(to, output, input, input + literals);
    input += literals;
    output += literals;
    if (input >= from.length) break;
    const distance = from.readUInt16LE(input);
    input += 2;
    const end = output + length(token & 15) + 4;
    // Byte by byte: a copy may overlap itself.
    for (; output < end; output++) to[output] = to[output - distance] ?? 0;
  }
  return output;
}
