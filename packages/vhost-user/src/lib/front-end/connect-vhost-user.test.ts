import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createVirtualClock } from "@rehandle/driver-sdk";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { encodeMessage, encodeU64 } from "../messages.ts";
import { connectVhostUser } from "./connect-vhost-user.ts";

const REPLY = 4;
const GET_FEATURES = 1;
const FEATURES = encodeU64((1n << 32n) | (1n << 9n));

/** A back end that answers the first bytes that come with `answer`. */
describe("a back end that", () => {
  const folder = mkdtempSync(join(tmpdir(), "rehandle-front-end-"));
  const path = join(folder, "s");
  let server: Server;
  let answer: (socket: Socket) => void;

  beforeEach(async () => {
    server = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => answer(socket));
    });
    await new Promise<void>((resolve) => {
      server.listen(path, resolve);
    });
  });

  afterEach(async () => {
    await new Promise((resolve) => {
      server.close(resolve);
    });
    rmSync(path, { force: true });
  });

  test.each<[string, (socket: Socket) => void, string]>([
    ["hangs up", (socket) => socket.end(), "ECONNRESET"],
    ["hangs up in the middle of a reply", (socket) => socket.end(new Uint8Array(5)), "EPROTO"],
    ["answers another request", (socket) => socket.write(encodeMessage(2, REPLY, FEATURES)), "EPROTO"],
    ["answers with a request", (socket) => socket.write(encodeMessage(GET_FEATURES, 0, FEATURES)), "EPROTO"],
    ["answers too short", (socket) => socket.write(encodeMessage(GET_FEATURES, REPLY, new Uint8Array(4))), "EPROTO"],
    ["speaks another version", (socket) => socket.write(new Uint8Array(20).fill(1).fill(2, 4, 5)), "EPROTO"],
    ["answers without end", (socket) => socket.write(new Uint8Array(12).fill(0xf1)), "EPROTO"],
  ])("%s is given up, and nothing is left open", async (_, how, code) => {
    answer = how;
    await expect(connectVhostUser({ path })).rejects.toMatchObject({ code });
    const before = readdirSync("/proc/self/fd").length;
    await expect(connectVhostUser({ path })).rejects.toMatchObject({ code });
    expect(readdirSync("/proc/self/fd").length).toBeLessThanOrEqual(before + 1);
  });

  test("says nothing is given up after replyTimeoutMs", async () => {
    const clock = createVirtualClock();
    const heard = new Promise<void>((resolve) => {
      answer = () => resolve();
    });
    const connecting = connectVhostUser({ path, clock, replyTimeoutMs: 700 });
    let settled = false;
    const failure = connecting.then(
      () => null,
      (error: unknown) => {
        settled = true;
        return error;
      },
    );
    await heard;
    clock.advance(699);
    await new Promise((resolve) => setImmediate(resolve));
    expect(settled).toBe(false);
    clock.advance(1);
    expect(await failure).toMatchObject({
      code: "ETIMEDOUT",
      message: expect.stringContaining("GET_FEATURES") as string,
    });
  });

  test("acknowledges a command with a failure", async () => {
    answer = (socket) => {
      // The first request was GET_FEATURES; each that comes now is answered by its own.
      socket.write(encodeMessage(GET_FEATURES, REPLY, encodeU64((1n << 32n) | (1n << 30n))));
      socket.on("data", (bytes: Buffer) => {
        for (let at = 0; at + 12 <= bytes.length; at += 12 + bytes.readUInt32LE(at + 8)) {
          const request = bytes.readUInt32LE(at);
          const replyAck = 1n << 3n;
          if (request === 15) socket.write(encodeMessage(request, REPLY, encodeU64(replyAck)));
          if (request === 3) socket.write(encodeMessage(request, REPLY, encodeU64(1n)));
        }
      });
    };
    const refused = { code: "EPROTO", message: expect.stringContaining("refused VHOST_USER_SET_OWNER") as string };
    await expect(connectVhostUser({ path })).rejects.toMatchObject(refused);
  });

  test("has no packed ring, where one is asked for", async () => {
    answer = (socket) => socket.write(encodeMessage(GET_FEATURES, REPLY, FEATURES));
    const connecting = connectVhostUser({ path, features: (1n << 34n) | (1n << 32n) });
    await expect(connecting).rejects.toMatchObject({ code: "ENOTSUP" });
  });
});

test.each([{ queueSize: 1 }, { queueSize: 2000 }, { numQueues: 0 }, { maxQueues: 0 }, { replyTimeoutMs: 0 }])(
  "%o is out of range",
  async (options) => {
    await expect(connectVhostUser({ path: "/nowhere", ...options })).rejects.toThrow(RangeError);
  },
);
