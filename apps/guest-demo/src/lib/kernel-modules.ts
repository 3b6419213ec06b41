import { readFileSync } from "node:fs";
import { basename } from "node:path";

import { runProgram } from "./run-program.ts";

/** A module as it goes into the guest. */
export interface KernelModule {
  /** Such as `virtio_blk`. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/**
 * Reads modules and those that they depend on, in an order in which they can be loaded. Names of which there is no file are
 * built into that kernel.
 */
export async function readModules(files: readonly string[], wanted: readonly string[]): Promise<KernelModule[]> {
  const byName = new Map(files.filter(isModule).map((file) => [moduleName(file), file]));
  const taken = new Map<string, KernelModule>();
  const take = async (name: string): Promise<void> => {
    const file = byName.get(name);
    if (file === undefined || taken.has(name)) return;
    const bytes = await readModule(file);
    for (const needed of dependencies(bytes)) await take(needed);
    taken.set(name, { name, bytes });
  };
  for (const name of wanted) await take(name);
  return [...taken.values()];
}

function isModule(file: string): boolean {
  return /\.ko(\.xz)?$/.test(file);
}

/** `…/virtio-rng.ko.xz` → `virtio_rng`, as `depends` has it. */
function moduleName(file: string): string {
  return basename(file)
    .replace(/\.ko(\.xz)?$/, "")
    .replaceAll("-", "_");
}

async function readModule(file: string): Promise<Uint8Array> {
  if (file.endsWith(".ko")) return readFileSync(file);
  return runProgram("xz", ["--decompress", "--stdout", file]);
}

/** What a module's `.modinfo` section says that it needs. */
function dependencies(bytes: Uint8Array): string[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  const names = /\0depends=([\w,-]*)\0/.exec(text)?.[1] ?? "";
  return names
    .split(",")
    .filter((name) => name !== "")
    .map((name) => name.replaceAll("-", "_"));
}
