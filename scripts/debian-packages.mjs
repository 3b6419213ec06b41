/** The Debian packages whose programs the suites run as real peers: the one list of them. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { run } from "./steps.mjs";

/** What is needed, a program or file by which to know it where dpkg is not at hand, and what for. */
const needed = [
  { name: "nbdkit", provides: "nbdkit", reason: "upstream NBD server" },
  { name: "libnbd-bin", provides: "nbdinfo", reason: "nbdinfo and nbdcopy as NBD clients" },
  { name: "fio", provides: "fio", reason: "verified load through its nbd engine" },
  { name: "qemu-utils", provides: "qemu-img", reason: "qemu-img, qemu-io and qemu-nbd" },
  { name: "qemu-system-common", provides: "qemu-storage-daemon", reason: "QEMU's own storage daemon to compare with" },
  {
    name: "qemu-block-extra",
    provides: "/usr/lib/x86_64-linux-gnu/qemu/block-curl.so",
    reason: "QEMU's loadable block drivers",
  },
  { name: "qemu-system-x86", provides: "qemu-system-x86_64", reason: "virtual machines whose disks are ours" },
  { name: "user-mode-linux", provides: "linux.uml", reason: "a Linux kernel as a process, quicker than emulation" },
  { name: "busybox-static", provides: "busybox", reason: "what a small guest consists of" },
  { name: "e2fsprogs", provides: "/sbin/mke2fs", reason: "makes and checks the guest's ext4" },
  { name: "xfsprogs", provides: "mkfs.xfs", reason: "makes an XFS, whose writes need not wait" },
  { name: "openssl", provides: "openssl", reason: "certificates for TLS" },
  { name: "socat", provides: "socat", reason: "raw and broken peers" },
  { name: "groff-base", provides: "groff", reason: "reads the manual page" },
  { name: "zsh", provides: "zsh", reason: "a shell that completes our options" },
  { name: "fish", provides: "fish", reason: "another one" },
];

/**
 * Makes the packages be there. As root, installs what is missing; otherwise says what is missing and which suites that
 * skips. Under `CI` something that is still missing is a failure.
 * @returns {Promise<number>} An exit code.
 */
export async function ensureDebianPackages() {
  let missing = missingPackages();
  if (missing.length > 0 && process.getuid?.() === 0 && onSearchPath("apt-get")) {
    const code = await installDebian(missing.map(({ name }) => name));
    if (code !== 0) console.log(`apt-get ended with exit code ${code}`);
    missing = missingPackages();
  }
  if (missing.length === 0) {
    console.log(`All ${needed.length} Debian packages are installed.`);
    return 0;
  }
  const outcome = process.env.CI ? "which is a failure under CI" : "AND THE SUITES THAT NEED THEM WILL BE SKIPPED";
  console.log(`These Debian packages are missing, ${outcome}:`);
  for (const { name, reason } of missing) console.log(`  ${name.padEnd(20)} ${reason}`);
  console.log(`Install them with: apt-get install ${missing.map(({ name }) => name).join(" ")}`);
  return process.env.CI ? 1 : 0;
}

/** @param {string[]} names */
async function installDebian(names) {
  const quiet = { DEBIAN_FRONTEND: "noninteractive" };
  const code = await run(["apt-get", "update", "-qq"], quiet);
  if (code !== 0) console.log(`apt-get update ended with exit code ${code}; trying with the lists that are here`);
  return run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", ...names], quiet);
}

function missingPackages() {
  const installed = onSearchPath("dpkg-query") ? hasDebianPackage : hasProvided;
  return needed.filter((entry) => !installed(entry));
}

/** @param {{ name: string }} entry */
function hasDebianPackage({ name }) {
  const result = spawnSync("dpkg-query", ["-W", "-f=${db:Status-Status}", name], { encoding: "utf8" });
  return result.stdout === "installed";
}

/** @param {{ provides: string }} entry */
function hasProvided({ provides }) {
  return provides.startsWith("/") ? existsSync(provides) : onSearchPath(provides);
}

/** @param {string} program */
function onSearchPath(program) {
  return (process.env.PATH ?? "").split(delimiter).some((folder) => existsSync(join(folder, program)));
}
