import { Duplex } from "node:stream";
import { expect, test } from "vitest";
import { BufferPool } from "./buffer-pool.ts";
import { ReplyOutput } from "./reply-output.ts";
import { StreamTransport } from "./stream-transport.ts";
import type { Transport } from "./transport.ts";

/** A stream that keeps what it is given until it is told to have written it, and an output on it. */
function stuckOutput(): {
  output: ReplyOutput;
  pool: BufferPool;
  stream: Duplex;
  writes: Buffer[];
  finishWrite: () => void;
} {
  const writes: Buffer[] = [];
  let done: (() => void) | null = null;
  const stream = new Duplex({
    read: () => undefined,
    writev(chunks, callback) {
      writes.push(Buffer.concat(chunks.map(({ chunk }) => chunk as Buffer)));
      done = callback;
    },
  });
  const pool = new BufferPool(1 << 30);
  const drained = (): void => {
    output.drained();
    output.flush();
  };
  const sink = {
    data: () => undefined,
    ended: () => undefined,
    hungUp: () => undefined,
    drained,
    closed: () => undefined,
  };
  const output = new ReplyOutput(new StreamTransport(stream, sink), pool);
  return { output, pool, stream, writes, finishWrite: () => done?.() };
}

/** A transport that takes everything at once, as a socket with room does. */
function eagerOutput(): { output: ReplyOutput; pool: BufferPool; writes: string[] } {
  const writes: string[] = [];
  const pool = new BufferPool(1 << 30);
  const transport: Transport = {
    memory: "lent",
    copyUpTo: 4,
    sendFrom: 1000,
    setReading: () => undefined,
    write({ bytes, starts, ends, count }) {
      const runs = bytes.slice(0, count).map((run, index) => Buffer.from(run.subarray(starts[index], ends[index])));
      writes.push(runs.join("|"));
      return true;
    },
    end: (sent) => sent(),
    destroy: () => undefined,
  };
  return { output: new ReplyOutput(transport, pool), pool, writes };
}

function reply(output: ReplyOutput, text: string): void {
  const slab = output.reserve(text.length);
  slab.write(text, output.position - text.length, "latin1");
}

test("what is gathered goes out with one write, in order, small copied and large as it lies", async () => {
  const { output, pool, writes, finishWrite } = stuckOutput();
  const large = pool.take(100_000);
  large.bytes.fill("L");
  const small = pool.take(5);
  small.bytes.fill("S");
  reply(output, "first");
  output.send(small, small.at - 2, small.at + 3);
  output.send(large, large.at, large.at + 100_000);
  reply(output, "last");
  output.flush();
  expect(writes.map(String)).toEqual([`firstSSSSS${"L".repeat(100_000)}last`]);
  expect(pool.take(5)).toBe(small);
  expect(pool.take(100_000)).not.toBe(large);
  expect(output.pending).toBe(100_014);
  finishWrite();
  await new Promise(setImmediate);
  expect(output.pending).toBe(0);
  expect(pool.take(100_000)).toBe(large);
});

test("while the socket is at work nothing more is handed to it, and the rest follows by itself", async () => {
  const { output, stream, writes, finishWrite } = stuckOutput();
  for (let i = 0; i < 10_000; i += 1) {
    reply(output, "sixteen bytes...");
    output.flush();
  }
  expect(writes.map((bytes) => bytes.length)).toEqual([16]);
  expect(stream.writableLength).toBe(16);
  finishWrite();
  await new Promise(setImmediate);
  expect(writes.map((bytes) => bytes.length)).toEqual([16, 9_999 * 16]);
});

test("buffers that the kernel may still read after a breakdown are not used again", async () => {
  const { output, pool, stream } = stuckOutput();
  const large = pool.take(100_000);
  output.send(large, large.at, large.at + 100_000);
  output.flush();
  stream.destroy();
  await new Promise(setImmediate);
  expect(pool.take(100_000)).not.toBe(large);
});

test("what was gathered and not sent can be dropped", () => {
  const { output, pool, writes } = stuckOutput();
  const large = pool.take(100_000);
  output.send(large, large.at, large.at + 100_000);
  reply(output, "never");
  output.discard();
  output.flush();
  expect(output.pending).toBe(0);
  expect(writes).toEqual([]);
  expect(pool.take(100_000)).toBe(large);
});

test("what a transport takes at once is free at once, and much is sent before the batch is over", () => {
  const { output, pool, writes } = eagerOutput();
  const small = pool.take(10);
  small.payload(10).fill("S".charCodeAt(0));
  const large = pool.take(1000);
  large.payload(1000).fill("L".charCodeAt(0));
  reply(output, "head");
  output.send(small, small.at, small.at + 10);
  expect(writes).toEqual([]);
  output.send(large, large.at, large.at + 1000);
  expect(writes).toEqual([`head|${"S".repeat(10)}|${"L".repeat(1000)}`]);
  expect(output.pending).toBe(0);
  expect(pool.take(1000)).toBe(large);
  reply(output, "tail");
  output.flush();
  expect(writes[1]).toBe("tail");
});
