import type { BlockBackendOptions, Limit } from "@rehandle/core";
import { UsageError } from "./usage-error.ts";
import type { NodeOptionsOf } from "./option-types.ts";

type LimitOption = NodeOptionsOf<"rehandle">["iohang-timeout"];

/**
 * What a backend is to be told, out of the options of a `rehandle` node.
 *
 * @throws UsageError for a limit beyond 2^53-1, and for numbers that do not fit together
 */
export function backendOptions(options: NodeOptionsOf<"rehandle">): BlockBackendOptions {
  const read = direction(options["read-retry-interval"], limit("read-retry-timeout", options["read-retry-timeout"]));
  const write = direction(
    options["write-retry-interval"],
    limit("write-retry-timeout", options["write-retry-timeout"]),
  );
  const initialMs = options["probe-interval"];
  const rampMax = options["ramp-max"];
  return {
    iohangTimeout: limit("iohang-timeout", options["iohang-timeout"]) ?? "forever",
    read: { ...read, action: options.rerror },
    write: { ...write, action: options.werror },
    requestTimeout: options["request-timeout"],
    backoff: {
      initialMs,
      maxMs: atLeast("probe-interval-max", options["probe-interval-max"], "probe-interval", initialMs),
    },
    ramp: {
      initial: options["ramp-initial"],
      max: atLeast("ramp-max", rampMax, "ramp-initial", options["ramp-initial"]),
    },
    probe: {
      ...(options["probe-offset"] === undefined ? {} : { offset: options["probe-offset"] }),
      ...(options["probe-length"] === undefined ? {} : { length: options["probe-length"] }),
    },
    replayLog: options["replay-log"]
      ? { maxBytes: options["replay-log-bytes"], maxCount: options["replay-log-count"] }
      : false,
    maxHeldRequests: options["max-held-requests"],
    maxHeldBytes: options["max-held-bytes"],
  };
}

function direction(
  retryInterval: number | undefined,
  retryTimeout: Limit | undefined,
): { retryInterval?: number; retryTimeout?: Limit } {
  return {
    ...(retryInterval === undefined ? {} : { retryInterval }),
    ...(retryTimeout === undefined ? {} : { retryTimeout }),
  };
}

function limit(name: string, value: LimitOption): Limit | undefined {
  if (value === undefined || value === "forever") return value;
  if (typeof value === "number") return value;
  throw new UsageError(`Parameter '${name}' expects a number or 'forever'`);
}

function atLeast(name: string, value: number, lowerName: string, lower: number): number {
  if (value >= lower) return value;
  throw new UsageError(`Parameter '${name}' must not be less than '${lowerName}' (${lower})`);
}
