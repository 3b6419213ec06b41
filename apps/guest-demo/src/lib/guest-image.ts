import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import type { Clock } from "@rehandle/driver-sdk";

import { CacheFolder } from "./cache-folder.ts";
import { writeCpio, type CpioContent, type CpioEntry } from "./cpio.ts";
import { readModules } from "./kernel-modules.ts";
import { findKernel } from "./kernel-package.ts";
import { findProgram, programFiles } from "./program-files.ts";
import { runProgram } from "./run-program.ts";
import { userModeKernel } from "./user-mode-kernel.ts";

/** What a guest boots from. */
export interface GuestImage {
  /** For QEMU's `-kernel`. */
  readonly kernel: string;
  /** The same for QEMU and for User-Mode Linux. */
  readonly initramfs: string;
}

/** Our own part of the guest: its first process, its agent, its load. */
const OWN = fileURLToPath(new URL("../../guest/", import.meta.url));
/** Programs of this machine that the guest has, and where it has them. */
const PROGRAMS = [
  ["busybox", "bin/busybox"],
  ["perl", "bin/perl"],
  ["mke2fs", "sbin/mkfs.ext4"],
  ["e2fsck", "sbin/e2fsck"],
  ["resize2fs", "sbin/resize2fs"],
] as const;
/** Busybox has its own, which are not what a user has. */
const NOT_OF_BUSYBOX = new Set(["busybox", "mke2fs", "mkfs.ext2"]);
/** Perl's own modules that our programs use. */
const PERL_MODULES = ["strict", "constant"];
const KERNEL_MODULES = ["virtio_pci", "virtio_blk"];

/**
 * Makes the guest's image, or takes the one of the last time.
 * @param programs Further programs of this machine that the guest is to have, in its /bin.
 */
export async function makeGuestImage(clock: Clock, programs: readonly string[] = []): Promise<GuestImage> {
  const cache = new CacheFolder(clock);
  const kernel = await findKernel(cache);
  const entries = await guestEntries(kernel, programs);
  const archive = writeCpio(entries);
  const digest = createHash("sha256").update(archive).digest("hex").slice(0, 16);
  const folder = await cache.entry(`initramfs-${digest}`, async (folder) => {
    writeFileSync(join(folder, "initramfs.cpio"), archive);
  });
  return { kernel: kernel.file, initramfs: join(folder, "initramfs.cpio") };
}

interface ModuleSource {
  readonly release: string;
  readonly modules: readonly string[];
}

async function guestEntries(kernel: ModuleSource, further: readonly string[]): Promise<CpioEntry[]> {
  const files = new Map<string, CpioContent>();
  for (const folder of ["dev", "proc", "sys"]) files.set(folder, { type: "folder" });
  // The kernel opens it for the first process before there is anything else.
  files.set("dev/console", { type: "character device", major: 5, minor: 1 });
  for (const applet of await busyboxApplets()) files.set(`bin/${applet}`, { type: "link", target: "busybox" });
  for (const [program, place] of [...PROGRAMS, ...further.map((name) => [name, `bin/${name}`] as const)]) {
    const { path, libraries } = await programFiles(program);
    files.set(place, fileContent(path));
    for (const library of libraries) files.set(library.slice(1), fileContent(library));
  }
  files.set("sbin/fsck.ext4", { type: "link", target: "e2fsck" });
  for (const path of await perlModules()) files.set(path.slice(1), fileContent(path));
  for (const source of [kernel, userModeKernel()]) {
    if (source !== undefined) await addModules(files, source);
  }
  files.set("init", fileContent(join(OWN, "init")));
  for (const name of ["agent", "verified-io"]) files.set(`bin/${name}`, fileContent(join(OWN, name)));
  return withFolders(files);
}

function fileContent(path: string): CpioContent {
  return { type: "file", bytes: readFileSync(path), executable: true };
}

async function busyboxApplets(): Promise<string[]> {
  const busybox = findProgram("busybox");
  if (busybox === undefined) throw new Error("busybox is not installed");
  const names = (await runProgram(busybox, ["--list"])).toString().trim().split("\n");
  return names.filter((name) => !NOT_OF_BUSYBOX.has(name));
}

async function perlModules(): Promise<string[]> {
  const uses = PERL_MODULES.map((name) => `-M${name}`);
  return (await runProgram("perl", [...uses, "-e", 'print join "\\n", values %INC'])).toString().split("\n");
}

async function addModules(files: Map<string, CpioContent>, { release, modules }: ModuleSource): Promise<void> {
  const taken = await readModules(modules, KERNEL_MODULES);
  for (const { name, bytes } of taken) {
    files.set(`modules/${release}/${name}.ko`, { type: "file", bytes, executable: false });
  }
  const order = taken.map(({ name }) => `${name}.ko\n`).join("");
  files.set(`modules/${release}/order`, { type: "file", bytes: Buffer.from(order), executable: false });
}

/** In an order in which every folder comes before what is in it. */
function withFolders(files: ReadonlyMap<string, CpioContent>): CpioEntry[] {
  const all = new Map<string, CpioContent>();
  for (const path of files.keys()) {
    for (let folder = dirname(path); folder !== "."; folder = dirname(folder)) all.set(folder, { type: "folder" });
  }
  for (const [path, content] of files) all.set(path, content);
  return [...all].map(([path, content]) => ({ path, content })).toSorted((a, b) => (a.path < b.path ? -1 : 1));
}
