import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

import type { CacheFolder } from "./cache-folder.ts";
import { runProgram } from "./run-program.ts";
import { extractVmlinux } from "./vmlinux.ts";

/** The package that always depends on Debian's newest kernel for virtual machines. */
const META_PACKAGE = "linux-image-cloud-amd64";
const ENTRY = "kernel-";
/** In an entry, beside the package's own files. */
const VMLINUX = "vmlinux";

/** A kernel that was taken out of its package. */
export interface Kernel {
  /** Such as `6.1.0-56-cloud-amd64`: what `uname -r` prints. */
  readonly release: string;
  /** The kernel, as QEMU's `-kernel` takes it; not compressed, if possible. */
  readonly file: string;
  /** The paths of all of its modules. */
  readonly modules: readonly string[];
}

/**
 * Debian's kernel for virtual machines, out of its package; root is not needed. It is downloaded once: the one that is in
 * the cache is used for ever, until somebody removes it.
 * @throws Error (as a rejection) that says what to do if the package cannot be had.
 */
export async function findKernel(cache: CacheFolder): Promise<Kernel> {
  const cached = cache.entries().findLast((path) => basename(path).startsWith(ENTRY));
  if (cached !== undefined) return readKernel(cached);
  try {
    return await fetchKernel(cache).catch((error: unknown) => {
      if (process.getuid?.() !== 0) throw error;
      // A fresh machine has no lists of packages yet, and old lists name packages that are gone.
      return runProgram("apt-get", ["update", "-qq"]).then(() => fetchKernel(cache));
    });
  } catch (error) {
    const how = "it needs Debian's lists of packages (apt-get update, as root) and a way to Debian's mirror";
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`no kernel for the guest: ${how}: ${why}`, { cause: error });
  }
}

async function fetchKernel(cache: CacheFolder): Promise<Kernel> {
  const { name, version } = await newestKernel();
  return readKernel(await cache.entry(`${ENTRY}${name}_${version}`, (folder) => download(name, folder)));
}

function readKernel(folder: string): Kernel {
  const release = readdirSync(join(folder, "lib/modules"))[0];
  if (release === undefined) throw new Error(`${folder} has no kernel; remove it to have it made again`);
  const modules = readdirSync(join(folder, "lib/modules", release), { recursive: true, encoding: "utf8" });
  const vmlinux = join(folder, VMLINUX);
  return {
    release,
    file: existsSync(vmlinux) ? vmlinux : join(folder, "boot", `vmlinuz-${release}`),
    modules: modules.map((path) => join(folder, "lib/modules", release, path)),
  };
}

/** What the meta package depends on. */
async function newestKernel(): Promise<{ name: string; version: string }> {
  const text = (await runProgram("apt-cache", ["show", "--no-all-versions", META_PACKAGE])).toString();
  const name = /^Depends:.*?\b(linux-image-\d\S*)/m.exec(text)?.[1];
  const version = /^Version: (\S+)/m.exec(text)?.[1];
  if (name === undefined || version === undefined)
    throw new Error(`apt knows no kernel that ${META_PACKAGE} depends on`);
  return { name, version };
}

async function download(name: string, folder: string): Promise<void> {
  await runProgram("apt-get", ["download", "-qq", name], folder);
  const archive = readdirSync(folder).find((file) => file.endsWith(".deb"));
  if (archive === undefined) throw new Error(`apt-get download ${name} left no package behind`);
  const unpacked = join(folder, "unpacked");
  await runProgram("dpkg-deb", ["--extract", join(folder, archive), unpacked]);
  for (const part of ["boot", "lib"]) renameSync(join(unpacked, part), join(folder, part));
  const compressed = readdirSync(join(folder, "boot")).find((file) => file.startsWith("vmlinuz-")) ?? "";
  const vmlinux = extractVmlinux(readFileSync(join(folder, "boot", compressed)));
  if (vmlinux !== null) writeFileSync(join(folder, VMLINUX), vmlinux);
  for (const rest of [unpacked, join(folder, archive)]) rmSync(rest, { recursive: true });
}
