import { ArrayDriver } from "./array-driver.ts";
import type { DriverEvent } from "../lib/block-driver.ts";
import type { BlockError } from "../lib/block-error.ts";
import { createRequest, type BlockOperation, type BlockRequest } from "../lib/block-request.ts";
import type { DriverCapabilities } from "../lib/capabilities.ts";
import { createRandom } from "../lib/random.ts";
import { createVirtualClock, type VirtualClock } from "../lib/virtual-clock.ts";
import { createFaultDriver } from "../faults/create-fault-driver.ts";
import type { FaultDriver } from "../faults/fault-driver.ts";
import type { FaultDriverOptions } from "../faults/fault-driver-options.ts";

/** A request on a {@link FaultBench}: `result` is "pending", null or what it failed with. */
export interface BenchRequest {
  readonly request: BlockRequest;
  completions: number;
  result: BlockError | null | "pending";
}

/** An open fault driver over an array, on a virtual clock. */
export interface FaultBench {
  readonly disk: FaultDriver;
  readonly storage: Uint8Array;
  readonly clock: VirtualClock;
  readonly events: DriverEvent[];
  readonly submit: (
    operation: BlockOperation,
    offset?: number,
    data?: Uint8Array | number,
    flags?: number,
  ) => BenchRequest;
  /** Submits a write of `length` bytes of `value`. */
  readonly write: (offset: number, length: number, value: number, flags?: number) => BenchRequest;
}

export async function createFaultBench(
  options: FaultDriverOptions = {},
  slowInner: boolean = false,
  declared: Partial<DriverCapabilities> = {},
): Promise<FaultBench> {
  const storage = new Uint8Array(4096);
  const clock = createVirtualClock();
  const events: DriverEvent[] = [];
  const inner = new ArrayDriver(storage, slowInner);
  inner.declared = { ...inner.declared, ...declared };
  const disk = createFaultDriver(inner, options);
  await disk.open({ clock, random: createRandom(7), onEvent: (event) => events.push(event), held: true });
  const submit: FaultBench["submit"] = (operation, offset = 0, data = 0, flags = 0) => {
    const bytes = typeof data === "number" ? new Uint8Array(data) : data;
    const carries = operation === "read" || operation === "write";
    const sent: BenchRequest = {
      request: createRequest({ operation, offset, length: bytes.length, flags, iov: carries ? [bytes] : [] }),
      completions: 0,
      result: "pending",
    };
    sent.request.complete = (_request, error) => {
      sent.completions += 1;
      sent.result = error;
    };
    disk.submit(sent.request);
    return sent;
  };
  const write: FaultBench["write"] = (offset, length, value, flags = 0) =>
    submit("write", offset, new Uint8Array(length).fill(value), flags);
  return { disk, storage, clock, events, submit, write };
}

/** The code that a request failed with, "ok" or "pending". */
export function codeOf({ result }: BenchRequest): string {
  if (result === "pending") return result;
  return result === null ? "ok" : result.code;
}
