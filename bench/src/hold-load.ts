/**
 * Lets an engine on the virtual clock hold requests and release them, and prints one line of JSON, `HoldReport`.
 * Usage: node --expose-gc hold-load <requests>
 */
import { createBlockBackend } from "@rehandle/core";
import {
  BlockError,
  createRandom,
  createRequest,
  createVirtualClock,
  defineCapabilities,
  type BlockDriver,
  type BlockRequest,
  type DriverCapabilities,
} from "@rehandle/driver-sdk";
import type { HoldReport } from "./lib/hold-report.ts";

const BLOCK = 4096;
const away = new BlockError("the storage is away", { code: "ECONNRESET" });

/** Storage that is away until it is said to be back; it completes what it was given when it is asked to. */
class AwayDriver implements BlockDriver {
  readonly driverName = "away";
  readonly capabilities: DriverCapabilities = defineCapabilities({ size: 2 ** 40, flush: true });
  isBack = false;
  #batch: BlockRequest[] = [];

  open(): Promise<DriverCapabilities> {
    return Promise.resolve(this.capabilities);
  }

  submit(request: BlockRequest): void {
    this.#batch.push(request);
  }

  /** Completes all that it has; false if that is nothing. */
  completeAll(): boolean {
    const batch = this.#batch;
    this.#batch = [];
    for (const request of batch) request.complete(request, this.isBack ? null : away);
    return batch.length > 0;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Held and released by another engine before anything is measured, so that the code is compiled. */
const WARM_UP = 10_000;

await holdAndRelease(WARM_UP);
console.log(JSON.stringify(await holdAndRelease(Number(process.argv[2]))));

async function holdAndRelease(count: number): Promise<HoldReport> {
  const clock = createVirtualClock();
  const driver = new AwayDriver();
  const backend = createBlockBackend(driver, { iohangTimeout: "forever" });
  await backend.open({ clock, random: createRandom(1), onEvent: () => undefined, held: false });
  let completed = 0;
  const complete = (_request: BlockRequest, error: BlockError | null): void => {
    if (error !== null) throw error;
    completed += 1;
  };
  const iov = [new Uint8Array(BLOCK)];
  const requests = Array.from({ length: count }, (_, at) =>
    createRequest({ operation: "read", offset: at * BLOCK, length: BLOCK, iov, complete }),
  );
  const before = heap();
  const start = process.cpuUsage();
  for (const request of requests) backend.submit(request);
  while (driver.completeAll());
  const holding = process.cpuUsage(start);
  const held = heap();
  driver.isBack = true;
  const turn = process.cpuUsage();
  while (completed < count && (driver.completeAll() || clock.step()));
  const releasing = process.cpuUsage(turn);
  if (completed < count) throw new Error(`only ${completed} of ${count} came back`);
  await backend.close();
  const spent = [holding, releasing].reduce((sum, { user, system }) => sum + user + system, 0);
  return { ns: (spent * 1000) / count, bytes: (held - before) / count };
}

function heap(): number {
  const { gc } = globalThis as { gc?: () => void };
  // What the first one finds to be garbage may have held something else.
  gc?.();
  gc?.();
  return process.memoryUsage().heapUsed;
}
