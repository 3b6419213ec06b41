import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  NBD_CMD_BLOCK_STATUS,
  NBD_CMD_READ,
  NBD_EINVAL,
  NBD_INFO_BLOCK_SIZE,
  NBD_INFO_DESCRIPTION,
  NBD_INFO_EXPORT,
  NBD_INFO_NAME,
  NBD_OPT_ABORT,
  NBD_OPT_EXPORT_NAME,
  NBD_OPT_GO,
  NBD_OPT_INFO,
  NBD_OPT_LIST,
  NBD_OPT_LIST_META_CONTEXT,
  NBD_OPT_SET_META_CONTEXT,
  NBD_OPT_STARTTLS,
  NBD_OPT_STRUCTURED_REPLY,
  NBD_REP_ACK,
  NBD_REP_ERR_BLOCK_SIZE_REQD,
  NBD_REP_ERR_INVALID,
  NBD_REP_ERR_POLICY,
  NBD_REP_ERR_SHUTDOWN,
  NBD_REP_ERR_TOO_BIG,
  NBD_REP_ERR_UNKNOWN,
  NBD_REP_ERR_UNSUP,
  NBD_REP_INFO,
  NBD_REP_META_CONTEXT,
  NBD_REP_SERVER,
} from "../protocol/constants.ts";
import { decodeInfo } from "../protocol/info.ts";
import { decodeMetaContext, encodeMetaContextRequest } from "../protocol/meta-context.ts";
import { decodeServerReply, encodeInfoRequest, encodeOption } from "../protocol/option.ts";
import { RawClient, requestBytes } from "../testing/raw-client.ts";
import { openMemory, serve, type TestServer, until } from "../testing/serve.ts";

let s: TestServer;
let client: RawClient;

async function start(...options: Parameters<typeof serve>): Promise<void> {
  s = await serve(...options);
  client = await RawClient.connect(s.path);
}

async function finalReply(option: number, data?: Uint8Array): Promise<number> {
  return (await client.option(option, data)).at(-1)!.type;
}

const setContexts = (...queries: string[]): Uint8Array => encodeMetaContextRequest({ name: "", queries });
const open = (...infos: number[]): Uint8Array => encodeInfoRequest({ name: "", infos });

beforeEach(() => start());
afterEach(async () => {
  client.destroy();
  await s.stop();
});

describe("greeting", () => {
  test("offers fixed newstyle without zeroes", async () => {
    expect(await client.greet()).toBe(3);
  });

  test("an unknown client flag ends the connection", async () => {
    await client.greet(7);
    await client.closed();
    expect(s.events.at(-1)).toMatchObject({ type: "closed", exportName: null, error: { code: "EPROTO" } });
  });

  test("a client without fixed newstyle may open by name, and nothing else", async () => {
    await client.greet(0);
    expect(await client.exportName("disk", true)).toMatchObject({ size: 1 << 20 });
    expect((await client.ask({ type: NBD_CMD_READ, length: 4 })).error).toBe(0);
    const other = await RawClient.connect(s.path);
    await other.greet(0);
    other.send(encodeOption(NBD_OPT_LIST));
    await other.closed();
  });

  test("a client that says nothing is cut when its time is over; one that transmits stays for ever", async () => {
    const idle = await RawClient.open(s.path);
    s.clock.advance(9_999);
    expect(s.server.connectionCount).toBe(2);
    s.clock.advance(1);
    await client.closed();
    s.clock.advance(1e9);
    expect((await idle.ask({ type: NBD_CMD_READ, length: 4 })).error).toBe(0);
    idle.destroy();
  });
});

describe("option framing", () => {
  beforeEach(() => client.greet());

  test("an unknown option is refused, its data passed over, and the next one understood", async () => {
    expect(await finalReply(4711, Buffer.alloc(300_000))).toBe(NBD_REP_ERR_TOO_BIG);
    expect(await finalReply(4711, Buffer.from("what is this?"))).toBe(NBD_REP_ERR_UNSUP);
    expect(await finalReply(NBD_OPT_LIST)).toBe(NBD_REP_ACK);
  });

  test("options may come one byte at a time, or many at once", async () => {
    for (const byte of encodeOption(NBD_OPT_LIST)) client.send(Uint8Array.of(byte));
    expect((await client.optionReply(NBD_OPT_LIST)).type).toBe(NBD_REP_SERVER);
    expect((await client.optionReply(NBD_OPT_LIST)).type).toBe(NBD_REP_ACK);
    client.send(encodeOption(1234), encodeOption(NBD_OPT_LIST));
    expect((await client.optionReply(1234)).type).toBe(NBD_REP_ERR_UNSUP);
    expect((await client.optionReply(NBD_OPT_LIST)).type).toBe(NBD_REP_SERVER);
  });

  test("a wrong magic ends the connection", async () => {
    client.send(Buffer.alloc(16));
    await client.closed();
    expect(s.events.at(-1)).toMatchObject({ type: "closed", error: { code: "EPROTO" } });
  });

  test("over 32 MiB of data ends the connection", async () => {
    const option = encodeOption(4711);
    new DataView(option.buffer).setUint32(12, 32 * 1024 * 1024 + 1);
    client.send(option);
    await client.closed();
    expect(s.events.at(-1)).toMatchObject({ type: "closed", error: { code: "EPROTO" } });
  });

  test("ABORT is acknowledged, then the connection ends in peace", async () => {
    expect(await finalReply(NBD_OPT_ABORT, Buffer.from("ignored"))).toBe(NBD_REP_ACK);
    await client.closed();
    await until(() => s.events.length > 0);
    expect(s.events).toEqual([{ type: "closed", exportName: null, error: null }]);
  });

  test("ABORT without waiting for the answer is peace too", async () => {
    client.send(encodeOption(NBD_OPT_ABORT));
    client.destroy();
    await until(() => s.events.length > 0);
    expect(s.events).toEqual([{ type: "closed", exportName: null, error: null }]);
  });

  test("STARTTLS without TLS is refused by policy", async () => {
    expect(await finalReply(NBD_OPT_STARTTLS)).toBe(NBD_REP_ERR_POLICY);
    expect(await finalReply(NBD_OPT_STARTTLS, Buffer.from("x"))).toBe(NBD_REP_ERR_INVALID);
  });
});

describe("EXPORT_NAME", () => {
  test("sends 124 zeroes unless both sides agreed not to", async () => {
    await client.greet(1);
    client.send(encodeOption(NBD_OPT_EXPORT_NAME, Buffer.from("disk")));
    client.request({ type: 99, cookie: [3, 4] });
    expect((await client.take(134)).subarray(10)).toEqual(Buffer.alloc(124));
    expect(await client.reply()).toMatchObject({ error: NBD_EINVAL, cookieLow: 4 });
  });

  test("an unknown name ends the connection", async () => {
    await client.greet();
    client.send(encodeOption(NBD_OPT_EXPORT_NAME, Buffer.from("nothing")));
    await client.closed();
    expect(s.events.at(-1)).toMatchObject({ type: "closed", error: { code: "EPROTO" } });
  });

  test("an overlong name ends the connection", async () => {
    await client.greet();
    client.send(encodeOption(NBD_OPT_EXPORT_NAME, Buffer.alloc(4097, "x")));
    await client.closed();
    expect(s.events.at(-1)).toMatchObject({ type: "closed", error: { code: "EPROTO" } });
  });

  test("the empty name is the default export", async () => {
    await client.greet();
    expect(await client.exportName("")).toMatchObject({ size: 1 << 20 });
  });
});

describe("LIST", () => {
  beforeEach(() => client.greet());

  test("gives names and descriptions", async () => {
    s.server.addExport({ name: "büro", driver: await openMemory() });
    const replies = await client.option(NBD_OPT_LIST);
    expect(replies.slice(0, -1).map(({ data }) => decodeServerReply(data))).toEqual([
      { name: "disk", description: "a test's disk" },
      { name: "büro", description: "" },
    ]);
  });

  test("takes no data", async () => {
    expect(await finalReply(NBD_OPT_LIST, Buffer.from("x"))).toBe(NBD_REP_ERR_INVALID);
  });
});

describe("INFO and GO", () => {
  beforeEach(() => client.greet());

  test("tell the export and its block sizes, name and description only when asked", async () => {
    const plain = await client.option(NBD_OPT_INFO, open());
    expect(plain.slice(0, -1).map(({ data }) => decodeInfo(data)!.type)).toEqual([
      NBD_INFO_EXPORT,
      NBD_INFO_BLOCK_SIZE,
    ]);
    const all = await client.option(NBD_OPT_INFO, open(NBD_INFO_NAME, NBD_INFO_DESCRIPTION, 0x1234));
    expect(all.slice(0, -1).map(({ type, data }) => [type, decodeInfo(data)])).toEqual([
      [NBD_REP_INFO, { type: NBD_INFO_EXPORT, size: 1 << 20, flags: 0xd6d }],
      [NBD_REP_INFO, { type: NBD_INFO_NAME, name: "disk" }],
      [NBD_REP_INFO, { type: NBD_INFO_DESCRIPTION, description: "a test's disk" }],
      [NBD_REP_INFO, { type: NBD_INFO_BLOCK_SIZE, minimum: 1, preferred: 4096, maximum: 1 << 25 }],
    ]);
  });

  test("after INFO options go on, after GO requests follow, perhaps in the same packet", async () => {
    expect(await finalReply(NBD_OPT_INFO, open())).toBe(NBD_REP_ACK);
    client.send(encodeOption(NBD_OPT_GO, open()), requestBytes({ type: NBD_CMD_READ, length: 8, cookie: [1, 2] }));
    await client.optionReply(NBD_OPT_GO);
    await client.optionReply(NBD_OPT_GO);
    expect((await client.optionReply(NBD_OPT_GO)).type).toBe(NBD_REP_ACK);
    expect(await client.reply(8)).toMatchObject({ error: 0, cookieHigh: 1, cookieLow: 2 });
  });

  test("an unknown export can be followed by a known one", async () => {
    const unknown = encodeInfoRequest({ name: "nothing", infos: [] });
    expect(await finalReply(NBD_OPT_GO, unknown)).toBe(NBD_REP_ERR_UNKNOWN);
    expect(await finalReply(NBD_OPT_GO, open())).toBe(NBD_REP_ACK);
  });

  test("lengths must match exactly", async () => {
    const data = open(3);
    expect(await finalReply(NBD_OPT_GO, data.subarray(0, -1))).toBe(NBD_REP_ERR_INVALID);
    expect(await finalReply(NBD_OPT_INFO, Buffer.concat([data, Buffer.alloc(1)]))).toBe(NBD_REP_ERR_INVALID);
    expect(await finalReply(NBD_OPT_GO, Buffer.alloc(0))).toBe(NBD_REP_ERR_INVALID);
    expect(await finalReply(NBD_OPT_GO, data)).toBe(NBD_REP_ACK);
  });

  test("a new size is seen by who asks later", async () => {
    const size = async (): Promise<unknown> => decodeInfo((await client.option(NBD_OPT_INFO, open()))[0]!.data);
    expect(await size()).toMatchObject({ size: 1 << 20 });
    await s.driver.resize(2 << 20);
    expect(await size()).toMatchObject({ size: 2 << 20 });
  });

  test("an export is read-only unless it is said to be writable, and needs no promise for several connections", async () => {
    const driver = await openMemory({ capabilities: { multiConn: false } });
    s.server.addExport({ name: "ro", driver });
    s.server.addExport({ name: "rw", driver, writable: true });
    const flags = async (name: string): Promise<unknown> =>
      decodeInfo((await client.option(NBD_OPT_INFO, encodeInfoRequest({ name, infos: [] })))[0]!.data);
    expect(await flags("ro")).toMatchObject({ flags: 0x50f });
    expect(await flags("rw")).toMatchObject({ flags: 0xc6d });
  });

  test("with structured replies DF is offered", async () => {
    await client.option(NBD_OPT_STRUCTURED_REPLY);
    expect(decodeInfo((await client.option(NBD_OPT_INFO, open()))[0]!.data)).toMatchObject({ flags: 0xded });
  });
});

describe("block sizes", () => {
  test("storage with large blocks is only opened by who asks for them", async () => {
    await s.stop();
    await start({
      memory: { capabilities: { requestAlignment: 4096, preferredBlockSize: 8192, maxTransfer: 1 << 17 } },
    });
    await client.greet();
    expect(await finalReply(NBD_OPT_GO, open())).toBe(NBD_REP_ERR_BLOCK_SIZE_REQD);
    expect(await finalReply(NBD_OPT_INFO, open())).toBe(NBD_REP_ACK);
    const replies = await client.option(NBD_OPT_GO, open(NBD_INFO_BLOCK_SIZE));
    expect(decodeInfo(replies[1]!.data)).toMatchObject({ minimum: 4096, preferred: 8192, maximum: 1 << 17 });
  });
});

describe("meta contexts", () => {
  beforeEach(() => client.greet());

  test("LIST knows base:allocation, also by wildcard, and ignores the rest", async () => {
    const listed = async (...queries: string[]): Promise<string[]> => {
      const replies = await client.option(NBD_OPT_LIST_META_CONTEXT, setContexts(...queries));
      expect(replies.at(-1)!.type).toBe(NBD_REP_ACK);
      return replies.slice(0, -1).map(({ data }) => decodeMetaContext(data).name);
    };
    expect(await listed()).toEqual(["base:allocation"]);
    expect(await listed("base:")).toEqual(["base:allocation"]);
    expect(await listed("base:allocation", "base:allocation")).toEqual(["base:allocation"]);
    expect(await listed("", "base", "qemu:allocation-depth", "base:other")).toEqual([]);
  });

  test("SET needs structured replies", async () => {
    expect(await finalReply(NBD_OPT_SET_META_CONTEXT, setContexts("base:allocation"))).toBe(NBD_REP_ERR_INVALID);
  });

  test("structured replies take no data and are negotiated once", async () => {
    expect(await finalReply(NBD_OPT_STRUCTURED_REPLY, Buffer.from("x"))).toBe(NBD_REP_ERR_INVALID);
    expect(await finalReply(NBD_OPT_STRUCTURED_REPLY)).toBe(NBD_REP_ACK);
    expect(await finalReply(NBD_OPT_STRUCTURED_REPLY)).toBe(NBD_REP_ERR_INVALID);
  });

  /** True if block status works after these SETs, the first of which selects base:allocation. */
  async function survives(...sets: Uint8Array[]): Promise<boolean> {
    await client.option(NBD_OPT_STRUCTURED_REPLY);
    const replies = await client.option(NBD_OPT_SET_META_CONTEXT, setContexts("base:allocation"));
    expect(replies.map(({ type }) => type)).toEqual([NBD_REP_META_CONTEXT, NBD_REP_ACK]);
    for (const set of sets) await client.option(NBD_OPT_SET_META_CONTEXT, set);
    await client.option(NBD_OPT_GO, open());
    const reply = await client.ask({ type: NBD_CMD_BLOCK_STATUS, length: 4096 });
    expect(reply.type === 5 || reply.payload.readUInt32BE() === NBD_EINVAL).toBe(true);
    return reply.type === 5;
  }

  test("a selection lasts", async () => expect(await survives()).toBe(true));
  test("SET without queries clears it", async () => expect(await survives(setContexts())).toBe(false));
  test("the wildcard selects nothing", async () => expect(await survives(setContexts("base:"))).toBe(false));
  test("a malformed SET clears it", async () => expect(await survives(Buffer.alloc(3))).toBe(false));
  test("a SET that fails clears it", async () => {
    expect(await survives(encodeMetaContextRequest({ name: "nothing", queries: ["base:allocation"] }))).toBe(false);
  });
  test("an overlong SET clears it", async () => expect(await survives(Buffer.alloc(70_000))).toBe(false));
  test("a SET for another export does not count", async () => {
    s.server.addExport({ name: "other", driver: await openMemory() });
    expect(await survives(encodeMetaContextRequest({ name: "other", queries: ["base:allocation"] }))).toBe(false);
  });
  test("the default export is the same by either name", async () => {
    expect(await survives(encodeMetaContextRequest({ name: "disk", queries: ["base:allocation"] }))).toBe(true);
  });
});

describe("shutdown", () => {
  test("options are refused with ERR_SHUTDOWN, ABORT is not", async () => {
    await client.greet();
    await client.option(NBD_OPT_LIST);
    const closed = s.server.close({ graceMs: 1000 });
    expect(await finalReply(NBD_OPT_GO, open())).toBe(NBD_REP_ERR_SHUTDOWN);
    expect(await finalReply(NBD_OPT_ABORT)).toBe(NBD_REP_ACK);
    client.destroy();
    await closed;
  });
});

test("more connections than allowed are closed at once, and the others do not notice", async () => {
  await s.stop();
  await start({ limits: { maxConnections: 2 } });
  const second = await RawClient.open(s.path);
  const third = await RawClient.connect(s.path);
  await third.closed();
  expect(s.events.at(-1)).toEqual({ type: "refused" });
  expect((await second.ask({ type: NBD_CMD_READ, length: 4 })).error).toBe(0);
  second.destroy();
  await until(() => s.server.connectionCount === 1);
  const fourth = await RawClient.open(s.path);
  fourth.destroy();
});
