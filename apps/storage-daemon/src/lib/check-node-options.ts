import type { NodeFlags } from "./node-flags.ts";
import type { NodeOptions, NodeOptionsOf } from "./option-types.ts";
import { UsageError } from "./usage-error.ts";

/**
 * What QEMU finds wrong before it opens anything.
 *
 * @throws UsageError in QEMU's words
 */
export function checkNodeOptions(options: NodeOptions, flags: NodeFlags): void {
  if (options["force-share"] === true && !flags.readOnly) {
    throw new UsageError("force-share=on can only be used with read-only images");
  }
  if (options.driver === "raw") checkRaw(options);
  else if (options.driver === "null-co") checkNull(options);
  else if (options.driver === "file" || options.driver === "host_device") checkFile(options, flags);
}

function checkRaw({ offset, size }: NodeOptionsOf<"raw">): void {
  checkNumber("offset", offset);
  checkNumber("size", size);
}

/** QEMU itself comes to a violent end where the size is negative. */
function checkNull({ size, "latency-ns": latency = 0 }: NodeOptionsOf<"null-co">): void {
  checkNumber("size", size);
  if (latency >= 2n ** 63n) throw new UsageError("latency-ns is invalid");
}

function checkFile({ aio }: NodeOptionsOf<"file" | "host_device">, { direct }: NodeFlags): void {
  if (aio !== "native" || direct) return;
  throw new UsageError("aio=native was specified, but it requires cache.direct=on, which was not specified.");
}

/** QEMU takes it as a text once more, whose range is another. */
function checkNumber(name: string, value = 0): void {
  if (value < 0) throw new UsageError(`Parameter '${name}' expects a non-negative number below 2^64`);
}
