import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ConnectionOptions } from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  NBD_CMD_READ,
  NBD_CMD_WRITE,
  NBD_OPT_ABORT,
  NBD_OPT_EXPORT_NAME,
  NBD_OPT_GO,
  NBD_OPT_LIST,
  NBD_OPT_SET_META_CONTEXT,
  NBD_OPT_STARTTLS,
  NBD_OPT_STRUCTURED_REPLY,
  NBD_REP_ACK,
  NBD_REP_ERR_INVALID,
  NBD_REP_ERR_TLS_REQD,
} from "../protocol/constants.ts";
import { encodeMetaContextRequest } from "../protocol/meta-context.ts";
import { encodeInfoRequest, encodeOption } from "../protocol/option.ts";
import { makeCertificates, type TestCertificates } from "../testing/certificates.ts";
import { havePrograms } from "../testing/debian.ts";
import { RawClient } from "../testing/raw-client.ts";
import { serve, type TestServer, until } from "../testing/serve.ts";
import type { NbdServerTls } from "./tls.ts";
import { createNbdServer } from "./nbd-server.ts";

const OPENSSL = { name: "openssl", package: "openssl" };

describe.runIf(havePrograms(OPENSSL))("TLS", () => {
  let directory: string;
  let certificates: TestCertificates;
  let s: TestServer;
  let client: RawClient;

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "rehandle-nbd-tls-"));
    certificates = makeCertificates(directory);
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  afterEach(async () => {
    client?.destroy();
    await s?.stop();
  });

  async function start(options: Partial<NbdServerTls> = {}): Promise<void> {
    const { serverKey: key, serverCert: cert, ca } = certificates;
    s = await serve({ tls: { key, cert, ca, ...options } });
    client = await RawClient.connect(s.path);
    await client.greet();
  }

  async function finalReply(option: number, data?: Uint8Array): Promise<number> {
    return (await client.option(option, data)).at(-1)!.type;
  }

  async function startTls(options: ConnectionOptions = {}): Promise<void> {
    expect(await finalReply(NBD_OPT_STARTTLS)).toBe(NBD_REP_ACK);
    await client.encrypt({ ca: certificates.ca, servername: "localhost", ...options });
  }

  const contexts = encodeMetaContextRequest({ name: "", queries: ["base:allocation"] });
  const open = encodeInfoRequest({ name: "", infos: [] });

  test("nothing but STARTTLS and ABORT works before it is started", async () => {
    await start();
    expect(await finalReply(NBD_OPT_LIST)).toBe(NBD_REP_ERR_TLS_REQD);
    expect(await finalReply(NBD_OPT_GO, open)).toBe(NBD_REP_ERR_TLS_REQD);
    expect(await finalReply(4711, Buffer.alloc(100))).toBe(NBD_REP_ERR_TLS_REQD);
    expect(await finalReply(NBD_OPT_STARTTLS, Buffer.alloc(1))).toBe(NBD_REP_ERR_INVALID);
    expect(await finalReply(NBD_OPT_ABORT)).toBe(NBD_REP_ACK);
    await client.closed();
  });

  test("EXPORT_NAME before it is started ends the connection", async () => {
    await start();
    client.send(encodeOption(NBD_OPT_EXPORT_NAME, Buffer.from("disk")));
    await client.closed();
    expect(s.events.at(-1)).toMatchObject({ type: "closed", exportName: null, error: { code: "EPROTO" } });
  });

  test("data goes through, in large and in small pieces", async () => {
    await start();
    await startTls();
    expect(await finalReply(NBD_OPT_GO, open)).toBe(NBD_REP_ACK);
    const data = Buffer.alloc(500_000, "0123456789");
    expect((await client.ask({ type: NBD_CMD_WRITE, offset: 3, data })).error).toBe(0);
    expect((await client.ask({ type: NBD_CMD_READ, offset: 3, length: 500_000 })).payload.equals(data)).toBe(true);
    for (let i = 0; i < 50; i += 1) client.request({ type: NBD_CMD_READ, offset: 3 + i * 10, length: 10 });
    for (let i = 0; i < 50; i += 1) expect((await client.reply(10)).payload.toString()).toBe("0123456789");
  });

  test("what was negotiated in plain text is forgotten", async () => {
    await start();
    await startTls();
    expect(await finalReply(NBD_OPT_STARTTLS)).toBe(NBD_REP_ERR_INVALID);
    expect(await finalReply(NBD_OPT_SET_META_CONTEXT, contexts)).toBe(NBD_REP_ERR_INVALID);
    expect(await finalReply(NBD_OPT_STRUCTURED_REPLY)).toBe(NBD_REP_ACK);
    expect(await finalReply(NBD_OPT_SET_META_CONTEXT, contexts)).toBe(NBD_REP_ACK);
  });

  test("plain text that was smuggled in after STARTTLS is not taken for encrypted", async () => {
    await start();
    client.send(encodeOption(NBD_OPT_STARTTLS), encodeOption(NBD_OPT_LIST));
    expect((await client.optionReply(NBD_OPT_STARTTLS)).type).toBe(NBD_REP_ACK);
    await client.encrypt({ ca: certificates.ca, servername: "localhost" });
    // Had LIST been kept, its answer would come first.
    expect(await finalReply(NBD_OPT_STRUCTURED_REPLY)).toBe(NBD_REP_ACK);
  });

  test("whoever goes on in plain text after STARTTLS is cut", async () => {
    await start();
    expect(await finalReply(NBD_OPT_STARTTLS)).toBe(NBD_REP_ACK);
    client.send(encodeOption(NBD_OPT_LIST));
    await client.closed();
    await until(() => s.events.length > 0);
    expect(s.events).toMatchObject([{ type: "closed", exportName: null, error: expect.any(Error) }]);
  });

  test("a TLS handshake that never comes ends with the time for the negotiation", async () => {
    await start();
    expect(await finalReply(NBD_OPT_STARTTLS)).toBe(NBD_REP_ACK);
    s.clock.advance(10_000);
    await client.closed();
    expect(s.server.connectionCount).toBe(0);
  });

  test("TLS 1.1 is too old, even where both sides' ciphers would allow it", async () => {
    // OpenSSL's usual security level forbids it anyway.
    const ciphers = "DEFAULT@SECLEVEL=0";
    await start({ ciphers });
    const old = { ciphers, minVersion: "TLSv1", maxVersion: "TLSv1.1" } as const;
    await expect(startTls(old)).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_SSL|ECONNRESET/) });
    await until(() => s.server.connectionCount === 0);
    client = await RawClient.connect(s.path);
    await client.greet();
    await startTls({ ciphers, minVersion: "TLSv1.2", maxVersion: "TLSv1.2" });
  });

  test("with verifyPeer a client needs a certificate of the right authority", async () => {
    await start({ verifyPeer: true });
    await startTls({ key: certificates.clientKey, cert: certificates.clientCert });
    expect(await finalReply(NBD_OPT_GO, open)).toBe(NBD_REP_ACK);
    expect((await client.ask({ type: NBD_CMD_READ, length: 4 })).error).toBe(0);
  });

  test.each([
    ["no certificate", /./],
    ["a stranger's certificate", /the client's certificate is refused: UNABLE_TO_/],
  ])("with verifyPeer %s is not enough", async (what, why) => {
    await start({ verifyPeer: true });
    const { strangerKey: key, strangerCert: cert } = certificates;
    // In TLS 1.3 the client believes itself connected before the server has looked at its certificate.
    await startTls(what === "no certificate" ? {} : { key, cert }).catch(() => undefined);
    await until(() => s.server.connectionCount === 0);
    expect(s.events).toMatchObject([
      { type: "closed", exportName: null, error: { message: expect.stringMatching(why) } },
    ]);
  });

  test("unusable keys are found when the server is made", async () => {
    await start();
    const { serverCert: cert } = certificates;
    expect(() => createNbdServer({ clock: s.clock, tls: { key: "nonsense", cert } })).toThrow(
      /PEM|DECODER|unsupported/i,
    );
  });
});
