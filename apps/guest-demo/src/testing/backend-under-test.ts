import { qemuBackend, rehandleBackend, type Backend } from "../lib/backend.ts";

/**
 * Whose disks the suites' guests use. `GUEST_SUITES_BACKEND=qemu` runs them with QEMU's own daemon, to see whether a
 * failure is ours; it does not hold as long and as well, so not all of them pass.
 */
export const backend: Backend = process.env["GUEST_SUITES_BACKEND"] === "qemu" ? qemuBackend : rehandleBackend;
