import type { BlockDriver } from "./block-driver.ts";
import { DefinedDriver } from "./defined-driver.ts";
import type { DriverDefinition } from "./driver-definition.ts";

/**
 * Makes a {@link BlockDriver} out of plain async functions. The wrapper checks every request, derives the capabilities from
 * the functions that exist, completes each request exactly once whatever the functions do, and closes within a bound.
 *
 * The functions get one contiguous buffer of their own, so the wrapper can take a request's buffers back at any time
 * (`abandon` is always declared). That costs a copy and a promise per request; a driver for a fast device is better written
 * against `BlockDriver` itself.
 *
 * ```ts no-run
 * export function createHttpDriver(url: string): BlockDriver {
 *   return defineDriver({
 *     name: "http",
 *     async open() {
 *       const head = await fetch(url, { method: "HEAD" });
 *       return { size: Number(head.headers.get("content-length")), instance: "unknown" };
 *     },
 *     async read(offset, buffer) {
 *       const range = `bytes=${offset}-${offset + buffer.length - 1}`;
 *       const answer = await fetch(url, { headers: { range } });
 *       buffer.set(new Uint8Array(await answer.arrayBuffer()));
 *     },
 *   });
 * }
 * ```
 */
export function defineDriver(definition: DriverDefinition): BlockDriver {
  return new DefinedDriver(definition);
}
