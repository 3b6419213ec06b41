import {
  encodeInfo,
  encodeOptionReply,
  encodeServerGreeting,
  NBD_INFO_EXPORT,
  NBD_OPT_EXPORT_NAME,
  NBD_OPT_GO,
  NBD_OPT_SET_META_CONTEXT,
  NBD_OPT_STRUCTURED_REPLY,
  NBD_REP_ACK,
  NBD_REP_ERR_BLOCK_SIZE_REQD,
  NBD_REP_ERR_INVALID,
  NBD_REP_ERR_POLICY,
  NBD_REP_ERR_SHUTDOWN,
  NBD_REP_ERR_TLS_REQD,
  NBD_REP_ERR_UNKNOWN,
  NBD_REP_ERR_UNSUP,
  NBD_REP_INFO,
} from "@rehandle/nbd/protocol";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openDriver, pause, systemClock, until, type OpenedDriver } from "../testing/opened-driver.ts";
import { ScriptedServer } from "../testing/scripted-server.ts";
import type { NbdDriverOptions } from "./driver-options.ts";
import { createNbdDriver } from "./nbd-driver.ts";

let server: ScriptedServer;
const opened: OpenedDriver[] = [];

beforeEach(async () => {
  server = new ScriptedServer();
  await server.listen();
});

afterEach(async () => {
  for (const { driver } of opened.splice(0)) await driver.close();
  await server.close();
});

async function open(options: Partial<NbdDriverOptions> = {}): Promise<OpenedDriver> {
  const result = await openDriver({ server: { type: "unix", path: server.path }, ...options });
  opened.push(result);
  return result;
}

const text = (words: string): Uint8Array => new TextEncoder().encode(words);
const options = (): number[] => server.connections.at(-1)!.options;

test("the usual way: structured replies, base:allocation, go", async () => {
  const flags = 1 | 4 | 8 | 16 | 32 | 64 | 256 | 2048;
  server.script.flags = flags;
  server.script.size = (1 << 20) + 700;
  server.script.infos = [
    { type: 3, minimum: 512, preferred: 8192, maximum: 0xffffffff },
    { type: 1, name: "disk" },
  ];
  const { driver } = await open({ export: "disk" });
  expect(options()).toEqual([NBD_OPT_STRUCTURED_REPLY, NBD_OPT_SET_META_CONTEXT, NBD_OPT_GO]);
  expect(driver.driverName).toBe("nbd");
  expect(driver.capabilities).toEqual({
    size: (1 << 20) + 512,
    readOnly: false,
    requestAlignment: 512,
    preferredBlockSize: 8192,
    maxTransfer: 32 << 20,
    flush: true,
    fua: true,
    discard: true,
    writeZeroes: true,
    fastZero: true,
    blockStatus: true,
    resize: false,
    zeroCopy: false,
    abandon: true,
    reportsConnection: true,
    instance: "unknown",
    multiConn: true,
    rotational: true,
  });
});

test("block sizes that were not advertised have the protocol's defaults", async () => {
  server.script.flags = 1 | 2048;
  const { driver } = await open();
  expect(driver.capabilities).toMatchObject({ requestAlignment: 1, preferredBlockSize: 4096, maxTransfer: 32 << 20 });
  expect(driver.capabilities).toMatchObject({ flush: false, writeZeroes: false, fastZero: false });
});

test("a refused structured reply and an unknown context are not the end", async () => {
  server.script.onOption = (option) =>
    option === NBD_OPT_STRUCTURED_REPLY ? [encodeOptionReply(option, NBD_REP_ERR_INVALID, text("no"))] : null;
  expect((await open()).driver.capabilities.blockStatus).toBe(false);
  expect(options()).toEqual([NBD_OPT_STRUCTURED_REPLY, NBD_OPT_GO]);
  server.script.onOption = (option) =>
    option === NBD_OPT_SET_META_CONTEXT ? [encodeOptionReply(option, NBD_REP_ERR_UNKNOWN)] : null;
  expect((await open()).driver.capabilities.blockStatus).toBe(false);
  server.script.onOption = () => null;
  server.script.allocationId = null;
  expect((await open()).driver.capabilities.blockStatus).toBe(false);
});

test("NBD_OPT_EXPORT_NAME where NBD_OPT_GO is not known", async () => {
  server.script.onOption = (option) => (option === NBD_OPT_GO ? [encodeOptionReply(option, NBD_REP_ERR_UNSUP)] : null);
  const { driver } = await open({ export: "x" });
  expect(options().slice(-2)).toEqual([NBD_OPT_GO, NBD_OPT_EXPORT_NAME]);
  expect(driver.capabilities).toMatchObject({ size: 1 << 20, blockStatus: true, flush: true });
});

test.for([0, 2])("a server without fixed newstyle (flags %i) is only asked for the export", async (greeting) => {
  server.script.greeting = greeting;
  expect((await open()).driver.capabilities).toMatchObject({ size: 1 << 20, blockStatus: false });
  expect(options()).toEqual([NBD_OPT_EXPORT_NAME]);
});

test.for([
  [NBD_REP_ERR_UNKNOWN, "ENOENT", "NBD_REP_ERR_UNKNOWN"],
  [NBD_REP_ERR_POLICY, "EPERM", "NBD_REP_ERR_POLICY"],
  [NBD_REP_ERR_SHUTDOWN, "ESHUTDOWN", "NBD_REP_ERR_SHUTDOWN"],
  [NBD_REP_ERR_BLOCK_SIZE_REQD, "EINVAL", "NBD_REP_ERR_BLOCK_SIZE_REQD"],
  [0x80001234, "EINVAL", "error 0x80001234"],
] as const)("NBD_OPT_GO is refused with 0x%s: %s", async ([type, code, name]) => {
  server.script.onOption = (option) =>
    option === NBD_OPT_GO ? [encodeOptionReply(option, type, text("not today"))] : null;
  const failure = open({ export: "disk" });
  await expect(failure).rejects.toMatchObject({ name: "BlockError", code, operation: "open" });
  await expect(failure).rejects.toThrow(`the server answered ${name} to NBD_OPT_GO for export "disk" (not today)`);
  await until("the connection is closed", () => server.connections[0]!.ended);
});

test("a server that insists on TLS is not used without", async () => {
  server.script.onOption = (option) => [encodeOptionReply(option, NBD_REP_ERR_TLS_REQD)];
  await expect(open()).rejects.toThrow(/NBD_REP_ERR_TLS_REQD to NBD_OPT_STRUCTURED_REPLY/);
  expect(options()).toEqual([NBD_OPT_STRUCTURED_REPLY]);
});

test("TLS that was asked for and refused is the end", async () => {
  server.script.onOption = (option) => [encodeOptionReply(option, NBD_REP_ERR_POLICY)];
  await expect(open({ tlsCreds: {} })).rejects.toThrow(/NBD_REP_ERR_POLICY to NBD_OPT_STARTTLS/);
  expect(options()).toEqual([5]);
  server.script.greeting = 0;
  await expect(open({ tlsCreds: {} })).rejects.toThrow(/cannot do TLS/);
});

test("plain text that follows the answer to NBD_OPT_STARTTLS is not taken for encrypted", async () => {
  server.script.onOption = (option) => [
    Buffer.concat([encodeOptionReply(option, NBD_REP_ACK), encodeOptionReply(NBD_OPT_STRUCTURED_REPLY, NBD_REP_ACK)]),
  ];
  await expect(open({ tlsCreds: {} })).rejects.toMatchObject({ code: "EPROTO", errorClass: "transport" });
});

const info = (size: number): Uint8Array => encodeInfo({ type: NBD_INFO_EXPORT, size, flags: 1 });

test.for<[string, (option: number) => Uint8Array[]]>([
  ["a reply to another option", () => [encodeOptionReply(99, NBD_REP_ACK)]],
  ["an unknown reply type", (option) => [encodeOptionReply(option, 99)]],
  ["a wrong magic", () => [new Uint8Array(20)]],
  ["a reply of absurd length", (option) => [encodeOptionReply(option, NBD_REP_INFO, new Uint8Array(20_000))]],
  ["no NBD_INFO_EXPORT", (option) => [encodeOptionReply(option, NBD_REP_ACK)]],
  [
    "replies without end",
    (option) => Array.from({ length: 400 }, () => encodeOptionReply(option, NBD_REP_INFO, info(1))),
  ],
  ["a malformed info", (option) => [encodeOptionReply(option, NBD_REP_INFO, info(1).subarray(0, 11))]],
  [
    "block sizes that are not allowed",
    (option) => [
      encodeOptionReply(option, NBD_REP_INFO, encodeInfo({ type: 3, minimum: 3, preferred: 5, maximum: 9 })),
    ],
  ],
  [
    "a size over 2^53",
    (option) => {
      const huge = info(1);
      huge[2] = 0xff;
      return [encodeOptionReply(option, NBD_REP_INFO, huge)];
    },
  ],
  [
    "a reply before any request",
    (option) => [
      Buffer.concat([
        encodeOptionReply(option, NBD_REP_INFO, info(512)),
        encodeOptionReply(option, NBD_REP_ACK),
        new Uint8Array(16),
      ]),
    ],
  ],
  ["megabytes of anything", () => Array.from({ length: 64 }, () => new Uint8Array(65536))],
])("a violation in answer to NBD_OPT_GO: %s", async ([, answer]) => {
  server.script.onOption = (option) => (option === NBD_OPT_GO ? answer(option) : null);
  await expect(open()).rejects.toMatchObject({ code: "EPROTO", errorClass: "transport" });
  await until("the connection is closed", () => server.connections[0]!.ended);
});

test.for<[string, Uint8Array]>([
  ["not NBD", text("SSH-2.0-OpenSSH_9.2p1\r\n")],
  [
    "oldstyle",
    Uint8Array.of(0x4e, 0x42, 0x44, 0x4d, 0x41, 0x47, 0x49, 0x43, 0, 0, 0x42, 2, 0x81, 0x86, 0x12, 0x53, 0, 0),
  ],
])("a server that is %s", async ([, greeting]) => {
  server.script.greets = false;
  const opening = open();
  (await server.nextConnection()).send(greeting);
  await expect(opening).rejects.toMatchObject({ code: "EPROTO" });
});

test("the end in every place of the handshake is a lost connection", async () => {
  for (const option of [NBD_OPT_STRUCTURED_REPLY, NBD_OPT_SET_META_CONTEXT, NBD_OPT_GO]) {
    server.script.onOption = (asked, _data, connection) => {
      if (asked === option) connection.socket.end(encodeOptionReply(option, NBD_REP_ACK).subarray(0, 7));
      return asked === option ? [] : null;
    };
    await expect(open()).rejects.toMatchObject({ errorClass: "transport", code: "ECONNRESET" });
  }
});

test("a handshake that comes byte by byte", async () => {
  server.script.greets = false;
  server.script.onOption = (option, _data, connection) => {
    if (option !== NBD_OPT_STRUCTURED_REPLY) return null;
    for (const byte of encodeOptionReply(option, NBD_REP_ERR_UNSUP)) connection.socket.write(Uint8Array.of(byte));
    return [];
  };
  const opening = open();
  const connection = await server.nextConnection();
  for (const byte of encodeServerGreeting(3)) {
    connection.send(Uint8Array.of(byte));
    await pause(0);
  }
  expect((await opening).driver.capabilities.size).toBe(1 << 20);
});

test("a slow handshake is given up after handshakeTimeoutMs", async () => {
  server.script.greets = false;
  const start = systemClock.now();
  await expect(open({ handshakeTimeoutMs: 50 })).rejects.toMatchObject({ code: "ETIMEDOUT", errorClass: "transport" });
  expect(systemClock.now() - start).toBeGreaterThanOrEqual(49);
  await until("the connection is closed", () => server.connections[0]!.ended);
});

test("wrong options are named", () => {
  const inet = { type: "inet", host: "localhost", port: 10809 } as const;
  expect(() => createNbdDriver({ server: { ...inet, port: 0 } })).toThrow(
    /server.port must be an integer from 1 to 65535/,
  );
  expect(() => createNbdDriver({ server: { ...inet, host: "" } })).toThrow(/server.host is empty/);
  expect(() => createNbdDriver({ server: { type: "unix", path: "" } })).toThrow(/server.path is empty/);
  expect(() => createNbdDriver({ server: inet, export: "x".repeat(4097) })).toThrow(/export is over 4096 bytes/);
  expect(() => createNbdDriver({ server: inet, export: "a\0b" })).toThrow(/export has a NUL/);
  expect(() => createNbdDriver({ server: inet, reconnectDelay: -1 })).toThrow(/reconnectDelay must be from 0/);
  expect(() => createNbdDriver({ server: inet, openTimeout: 2 ** 32 })).toThrow(/openTimeout must be from 0/);
  expect(() => createNbdDriver({ server: inet, connections: 17 })).toThrow(
    /connections must be an integer from 1 to 16/,
  );
  expect(() => createNbdDriver({ server: inet, handshakeTimeoutMs: 0 })).toThrow(/handshakeTimeoutMs must be > 0/);
  expect(() => createNbdDriver({ server: inet, reconnectBackoff: { jitter: 2 } })).toThrow(/jitter/);
  expect(() => createNbdDriver({ server: inet, identity: { offset: -1, length: 1 } })).toThrow(/identity.offset/);
  expect(() => createNbdDriver({ server: inet, identity: { offset: 0, length: 65537 } })).toThrow(/identity.length/);
});
