import { expect, test } from "vitest";

import { extractVmlinux } from "./vmlinux.ts";

const ELF = [0x7f, 0x45, 0x4c, 0x46];
const SETUP = 512 * 2;
const AT = 16;

/** A bzImage with this payload. */
function bzImage(payload: readonly number[]): Buffer {
  const image = Buffer.alloc(SETUP + AT + payload.length);
  image.writeUInt8(1, 0x1f1);
  image.writeUInt32LE(AT, 0x248);
  image.writeUInt32LE(payload.length, 0x24c);
  Buffer.from(payload).copy(image, SETUP + AT);
  return image;
}

function word(value: number): number[] {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return [...bytes];
}

/** Four literals, a copy of 30 from two before, one literal; then in another block five literals. */
const FIRST = [0x4f, ...ELF, 2, 0, 11, 0x10, 0x58];
const SECOND = [0x50, 1, 2, 3, 4, 5];
const FRAME = [...word(0x184c2102), ...word(FIRST.length), ...FIRST, ...word(SECOND.length), ...SECOND];
const KERNEL = Buffer.from([...ELF, ...Array.from({ length: 15 }, () => [0x4c, 0x46]).flat(), 0x58, 1, 2, 3, 4, 5]);

test("a kernel that is compressed with LZ4 is taken out, overlapping copies and all", () => {
  expect(extractVmlinux(bzImage([...FRAME, ...word(KERNEL.length)]))).toEqual(KERNEL);
});

test("any other is left as it is", () => {
  expect(extractVmlinux(bzImage([0x1f, 0x8b, 0x08, 0, ...word(4)]))).toBeNull();
});

test("one whose size is not what it says is not trusted", () => {
  expect(extractVmlinux(bzImage([...FRAME, ...word(KERNEL.length + 1)]))).toBeNull();
});
