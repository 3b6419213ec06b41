import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { ConformanceSubject } from "@rehandle/driver-sdk/conformance";
import { describeDriverConformance } from "@rehandle/driver-sdk/conformance";

import { loopUnavailable, prerequisite, runProgram } from "../testing/prerequisite.ts";
import { pattern } from "../testing/test-bed.ts";
import { createFileDriver } from "./create-file-driver.ts";
import type { FileDriverOptions } from "./file-driver-options.ts";

const MIB = 1_048_576;
/** Sparse; enough for offsets over 32 bits. */
const LARGE = 4 * 1024 * MIB + 131_072;

/** A driver over a new file. */
function onFile(options: Partial<FileDriverOptions>, size: number, content?: Uint8Array): ConformanceSubject {
  const folder = mkdtempSync(join(tmpdir(), "rehandle-file-"));
  const filename = join(folder, "disk.img");
  writeFileSync(filename, content ?? "");
  truncateSync(filename, size);
  const create = () => createFileDriver({ ...options, filename });
  return { driver: create(), reopen: create, cleanup: () => rmSync(folder, { recursive: true }) };
}

/** A driver over a loop device of its own. */
function onLoopDevice(options: Partial<FileDriverOptions>, sectorSize: number): ConformanceSubject {
  const folder = mkdtempSync(join(tmpdir(), "rehandle-loop-"));
  const backing = join(folder, "disk.img");
  writeFileSync(backing, "");
  truncateSync(backing, 2 * MIB);
  const filename = runProgram("losetup", "--find", "--show", "--sector-size", String(sectorSize), backing).trim();
  const create = () => createFileDriver({ ...options, filename });
  const cleanup = (): void => {
    runProgram("losetup", "--detach", filename);
    rmSync(folder, { recursive: true });
  };
  return { driver: create(), reopen: create, cleanup };
}

describeDriverConformance("a file with discard=unmap", { create: () => onFile({ discard: "unmap" }, LARGE) });
describeDriverConformance("a file without koffi", { create: () => onFile({ systemCalls: null }, LARGE) });
describeDriverConformance("a file, nothing copied, short queue", {
  create: () => onFile({ copyLimit: 0, cachedReads: false, queueDepth: 2 }, MIB + 1),
});
describeDriverConformance("a file with O_DIRECT", {
  create: () => onFile({ cacheDirect: true, discard: "unmap" }, LARGE),
});
const content = pattern(MIB);
describeDriverConformance("a read-only file", {
  create: () => onFile({ readOnly: true }, MIB, content),
  expected: (offset, length) => content.subarray(offset, offset + length),
});

if (prerequisite("conformance of block devices", loopUnavailable())) {
  describeDriverConformance("a block device", { create: () => onLoopDevice({ discard: "unmap" }, 512) });
  describeDriverConformance("a block device with O_DIRECT", {
    create: () => onLoopDevice({ discard: "unmap", cacheDirect: true }, 4096),
  });
}
