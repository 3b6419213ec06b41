import { defineCapabilities, type DriverCapabilities } from "../lib/capabilities.ts";
import type { FaultDriverOptions } from "./fault-driver-options.ts";

/** What a fault driver declares over an inner driver. */
export function faultCapabilities(inner: DriverCapabilities, options: FaultDriverOptions): DriverCapabilities {
  const { reportsConnection = true, volatileCache = false, abandon = "detach" } = options;
  const isVolatile = volatileCache !== false;
  const volatileInstance = reportsConnection ? "reported" : "unknown";
  return defineCapabilities({
    ...inner,
    reportsConnection,
    flush: inner.flush || isVolatile,
    abandon: abandon !== "refuse",
    instance: options.instance ?? (isVolatile ? volatileInstance : inner.instance),
  });
}
