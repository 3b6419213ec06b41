import fs from "node:fs";
import { afterEach, expect, test } from "vitest";
import { createMessageChannel } from "./channel.ts";
import type { MessageChannel, ReceivedMessage } from "./channel.ts";
import { encodeMessage } from "./messages.ts";
import { loadSystemCalls } from "./system-calls.ts";
import type { VhostUserError } from "./vhost-user-error.ts";

const calls = await loadSystemCalls();

interface Received {
  readonly request: number;
  readonly payload: number[];
  readonly fds: number;
}

interface Peer {
  readonly fd: number;
  readonly channel: MessageChannel;
  readonly messages: Received[];
  readonly closed: Promise<VhostUserError | null>;
}

const descriptors = fs.readdirSync("/proc/self/fd").length;
const open: Peer[] = [];
afterEach(() => {
  for (const peer of open.splice(0)) {
    peer.channel.close();
    calls.close(peer.fd);
  }
  if (fs.readdirSync("/proc/self/fd").length !== descriptors) throw new Error("a descriptor was left open");
});

function createPeer(onMessage?: (message: ReceivedMessage, channel: MessageChannel) => void | Promise<void>): Peer {
  const [mine, theirs] = calls.socketPair();
  const messages: Received[] = [];
  let channel: MessageChannel | undefined;
  const closed = new Promise<VhostUserError | null>((resolve) => {
    channel = createMessageChannel(calls, theirs, {
      onMessage(message) {
        messages.push({ request: message.request, payload: [...message.payload], fds: message.fdCount });
        return channel === undefined ? undefined : onMessage?.(message, channel);
      },
      onClose: resolve,
    });
  });
  if (channel === undefined) throw new Error("no channel");
  const peer = { fd: mine, channel, messages, closed };
  open.push(peer);
  return peer;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}

test("messages that lie together in the socket keep their own descriptors", async () => {
  const peer = createPeer();
  calls.send(peer.fd, encodeMessage(1, 0, new Uint8Array(0)), []);
  calls.send(peer.fd, encodeMessage(2, 0, Uint8Array.of(5)), [0, 1]);
  calls.send(peer.fd, encodeMessage(3, 0, Uint8Array.of(6)), [0]);
  await until(() => peer.messages.length === 3);
  expect(peer.messages).toEqual([
    { request: 1, payload: [], fds: 0 },
    { request: 2, payload: [5], fds: 2 },
    { request: 3, payload: [6], fds: 1 },
  ]);
});

test("a message may come byte by byte, with descriptors anywhere", async () => {
  const peer = createPeer();
  const bytes = encodeMessage(9, 0, Uint8Array.of(1, 2, 3));
  for (const [index, byte] of bytes.entries()) {
    calls.send(peer.fd, Uint8Array.of(byte), index === 13 ? [0] : []);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await until(() => peer.messages.length === 1);
  expect(peer.messages).toEqual([{ request: 9, payload: [1, 2, 3], fds: 1 }]);
});

test("while one message is handled the next one waits", async () => {
  let finish: () => void = () => undefined;
  const peer = createPeer(() => new Promise<void>((resolve) => (finish = resolve)));
  calls.send(peer.fd, encodeMessage(1, 0, new Uint8Array(0)), [0]);
  calls.send(peer.fd, encodeMessage(2, 0, new Uint8Array(0)), []);
  await until(() => peer.messages.length === 1);
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(peer.messages).toHaveLength(1);
  finish();
  await until(() => peer.messages.length === 2);
  finish();
});

test("a handler that throws, at once or later, closes the channel with that reason", async () => {
  const now = createPeer(() => {
    throw new Error("at once");
  });
  calls.send(now.fd, encodeMessage(1, 0, new Uint8Array(0)), [0]);
  expect(await now.closed).toMatchObject({ message: "at once" });
  const later = createPeer(() => Promise.reject(new Error("later")));
  calls.send(later.fd, encodeMessage(1, 0, new Uint8Array(0)), [0]);
  expect(await later.closed).toMatchObject({ message: "later" });
});

test("the end of the connection is told, and whether it was in a message", async () => {
  const between = createPeer();
  calls.send(between.fd, encodeMessage(1, 0, new Uint8Array(0)), []);
  await until(() => between.messages.length === 1);
  const amid = createPeer();
  calls.send(amid.fd, Uint8Array.of(1, 2), [0]);
  for (const peer of [between, amid]) calls.shutdown(peer.fd);
  expect(await between.closed).toBeNull();
  expect(await amid.closed).toMatchObject({ code: "EPROTO" });
});

test("too long a message, another version and too many descriptors close the channel", async () => {
  const long = createPeer();
  calls.send(long.fd, encodeMessage(1, 0, new Uint8Array(5000)), [0]);
  expect(await long.closed).toMatchObject({ message: "a message of 5000 bytes is longer than 4096" });
  const version = createPeer();
  calls.send(version.fd, encodeMessage(1, 2, new Uint8Array(0)), [0]);
  expect(await version.closed).toMatchObject({ code: "EPROTO" });
  const many = createPeer();
  const bytes = encodeMessage(1, 0, new Uint8Array(1));
  calls.send(many.fd, bytes.subarray(0, 12), [0, 0, 0, 0, 0, 0]);
  calls.send(many.fd, bytes.subarray(12), [0, 0, 0, 0, 0, 0]);
  expect(await many.closed).toMatchObject({ message: "a message came with more than 8 file descriptors" });
});

test("a peer that takes no replies is not read any further", async () => {
  const reply = new Uint8Array(4000);
  const peer = createPeer((message, channel) => channel.send(message.request, 4, reply, [0]));
  let sent = 0;
  for (let quiet = 0; quiet < 20; quiet += 1) {
    while (calls.send(peer.fd, encodeMessage(1, 0, new Uint8Array(0)), []) !== null) {
      sent += 1;
      quiet = 0;
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  expect(peer.messages.length).toBeLessThan(sent);
  expect(fs.readdirSync("/proc/self/fd").length).toBeLessThan(descriptors + 8);
  const bytes = new Uint8Array(4012);
  const fds: number[] = [];
  let replies = 0;
  for (let got = 0; replies < sent;) {
    const part = calls.receive(peer.fd, bytes, got, 4012 - got, fds);
    for (const fd of fds.splice(0)) calls.close(fd);
    if (part === null) await new Promise((resolve) => setTimeout(resolve, 1));
    got += part ?? 0;
    if (got === 4012) {
      expect(bytes[0]).toBe(1);
      replies += 1;
      got = 0;
    }
  }
  expect(peer.messages).toHaveLength(sent);
});
