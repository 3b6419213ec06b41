import type { GuestAgent } from "./guest-agent.ts";
import { readCounts, type LoadCounts } from "./guest-load.ts";

/** Files that `verified-io files` leaves: KEPT_FILES of guest/verified-io. */
const KEPT_FILES = 64;

/** Makes an ext4 on a disk of the guest and mounts it on /mnt. */
export async function makeExt4(agent: GuestAgent, device: string): Promise<void> {
  await agent.mustRun(`mkfs.ext4 -q -F ${device} && mount -t ext4 ${device} /mnt`);
}

/** True if a file can be written on /mnt, and is on the disk. /proc/mounts may say rw of a file system whose journal was aborted. */
export async function isWritable(agent: GuestAgent): Promise<boolean> {
  return (await agent.run("echo written >/mnt/probe && sync /mnt/probe && rm /mnt/probe")).code === 0;
}

/** What fsck has to say about an unmounted ext4; empty if it is clean: nothing wrong, and no journal to be recovered. */
export async function checkExt4(agent: GuestAgent, device: string): Promise<string> {
  const { code, output } = await agent.run(`fsck.ext4 -f -n ${device}`);
  const lines = output.split("\n").filter((line) => /journal recovery|wrong|Fix\?|Clear\?|corrupt/i.test(line));
  return code === 0 ? lines.join("\n") : output;
}

/** Mounts again and reads the files that the load saw completed. `written` is how many those were in all. */
export async function checkFiles(
  agent: GuestAgent,
  device: string,
  seed: string,
  written: number,
): Promise<FilesCheck> {
  const first = Math.max(0, written - KEPT_FILES);
  const expected = written - first;
  const check = `verified-io check /mnt ${seed} ${first} ${written - 1}`;
  const { output } = await agent.run(`mount -t ext4 ${device} /mnt && { ${check}; umount /mnt; }`);
  const counts = output
    .split("\n")
    .map(readCounts)
    .findLast((line) => line !== undefined);
  return { expected, right: counts?.ops ?? 0, output };
}

/** Files that should be there, and those that are, with what was written. */
export interface FilesCheck {
  readonly expected: number;
  readonly right: LoadCounts["ops"];
  /** What there is to say of the others. */
  readonly output: string;
}
