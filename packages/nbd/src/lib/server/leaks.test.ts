import { Duplex } from "node:stream";
import { expect, test } from "vitest";
import { NBD_CMD_READ, NBD_CMD_WRITE } from "../protocol/constants.ts";
import { requestBytes } from "../testing/raw-client.ts";
import { openMemory } from "../testing/serve.ts";
import { BufferPool, type PooledBuffer } from "./buffer-pool.ts";
import { DEFAULT_LIMITS } from "./limits.ts";
import { SlotPool } from "./request-slot.ts";
import { StreamTransport } from "./stream-transport.ts";
import { Transmission } from "./transmission.ts";
import type { TransportSink } from "./transport.ts";

/** Knows which buffers are out. */
class CountingPool extends BufferPool {
  readonly out: Set<PooledBuffer> = new Set();

  override take(length: number): PooledBuffer {
    const buffer = super.take(length);
    this.out.add(buffer);
    return buffer;
  }

  override give(buffer: PooledBuffer): void {
    if (!this.out.delete(buffer)) throw new Error("given back twice");
    super.give(buffer);
  }
}

test.each([false, true])(
  "all buffers come back, also of a connection that broke (structured: %s)",
  async (structured) => {
    const driver = await openMemory();
    const buffers = new CountingPool(1 << 30);
    const shared = { limits: DEFAULT_LIMITS, buffers, slots: new SlotPool(10) };
    const terms = {
      flags: 0x1 | 0x4 | 0x8,
      maxPayload: 1 << 25,
      structuredReplies: structured,
      allocationContextId: 1,
    };
    const stream = new Duplex({
      read: () => undefined,
      write: (_chunk, _encoding, callback) => setImmediate(callback),
    });
    const observer = { onFailed: () => undefined, onFinished: () => undefined, onSettled: () => undefined };
    const sink: TransportSink = {
      data: () => undefined,
      ended: () => undefined,
      hungUp: () => undefined,
      drained: () => transmission.drained(),
      closed: () => undefined,
    };
    const transport = new StreamTransport(stream, sink);
    const transmission: Transmission = new Transmission(transport, { name: "", driver }, terms, shared, observer);
    const requests = [
      requestBytes({ type: NBD_CMD_WRITE, data: Buffer.alloc(100_000) }),
      requestBytes({ type: NBD_CMD_READ, length: 100_000 }),
      requestBytes({ type: NBD_CMD_READ, length: 10 }),
      requestBytes({ type: NBD_CMD_READ, length: 1 << 20, offset: 1 }),
      requestBytes({ type: 7, length: 4096 }),
    ];
    transmission.receive(Buffer.concat(requests));
    for (let i = 0; i < 5; i += 1) await new Promise(setImmediate);
    expect(transmission.inFlight).toBe(0);
    expect(buffers.out.size).toBe(0);

    // Two in flight, one that has half arrived, then the connection is gone.
    driver.hold = true;
    const half = requestBytes({ type: NBD_CMD_WRITE, data: Buffer.alloc(50_000) }).subarray(0, 20_000);
    transmission.receive(Buffer.concat([...requests.slice(0, 2), half]));
    expect(buffers.out.size).toBe(3);
    transmission.abort();
    expect(buffers.out.size).toBe(2);
    driver.release();
    for (let i = 0; i < 5; i += 1) await new Promise(setImmediate);
    expect(buffers.out.size).toBe(0);
  },
);
