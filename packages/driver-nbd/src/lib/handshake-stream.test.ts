import { expect, test } from "vitest";
import type { Channel } from "./channel.ts";
import { HandshakeStream } from "./handshake-stream.ts";

const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, at) => at);

function open(signal: AbortSignal = new AbortController().signal): HandshakeStream {
  return new HandshakeStream({ sink: null, write: () => {} } as unknown as Channel, signal);
}

test("reads are served in pieces and from what came before", async () => {
  const stream = open();
  stream.data(bytes(3), 3);
  const reading = stream.read(5);
  stream.data(bytes(9), 4);
  expect(await reading).toEqual(Uint8Array.of(0, 1, 2, 0, 1));
  expect(await stream.read(0)).toEqual(new Uint8Array(0));
  expect(stream.takeUnread()).toEqual(Uint8Array.of(2, 3));
  expect(stream.takeUnread()).toHaveLength(0);
});

test("what came before the end can still be read", async () => {
  const stream = open();
  stream.data(bytes(4), 4);
  stream.closed(null);
  expect(await stream.read(4)).toEqual(bytes(4));
  await expect(stream.read(1)).rejects.toMatchObject({ code: "ECONNRESET", errorClass: "transport" });
});

test("an abort ends a read", async () => {
  const abort = new AbortController();
  const stream = open(abort.signal);
  const reading = stream.read(1);
  abort.abort(new Error("no more"));
  await expect(reading).rejects.toThrow("no more");
});

test("nobody reads, and the server goes on", async () => {
  const stream = open();
  for (let i = 0; i < 100; i += 1) stream.data(bytes(65536), 65536);
  expect(stream.takeUnread().length).toBeLessThanOrEqual(262_144);
  await expect(stream.read(1)).rejects.toMatchObject({ code: "EPROTO" });
});
