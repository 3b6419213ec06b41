import { writeFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { makeCertificates, type Certificates } from "../testing/certificates.ts";
import { openDriver, until, type OpenedDriver } from "../testing/opened-driver.ts";
import { havePrograms, Workplace, type Peer } from "../testing/peers.ts";
import type { NbdDriverOptions } from "./driver-options.ts";

const MiB = 1 << 20;
const able = havePrograms("openssl", "nbdkit", "qemu-nbd");
let workplace: Workplace;
let certificates: Certificates;
let others: Certificates;
let opened: OpenedDriver | null = null;

beforeAll(() => {
  if (!able) return;
  workplace = new Workplace();
  certificates = makeCertificates(workplace.path("pki"), "disk.example");
  others = makeCertificates(workplace.path("others"), "disk.example");
});

afterEach(async () => {
  await opened?.driver.close();
  opened = null;
});

afterAll(async () => {
  await workplace?.remove();
});

async function open(options: Partial<NbdDriverOptions>): Promise<OpenedDriver> {
  opened = await openDriver({ server: { type: "unix", path: workplace.path("nbd.sock") }, ...options });
  return opened;
}

const servers = {
  async nbdkit(): Promise<Peer> {
    const tls = ["--tls=require", `--tls-certificates=${certificates.folder}`, "--tls-verify-peer"];
    return workplace.nbdkit([...tls, "memory", "8M"]);
  },
  async "qemu-nbd"(): Promise<Peer> {
    const path = workplace.path("disk.raw");
    writeFileSync(path, new Uint8Array(8 * MiB));
    const object = `tls-creds-x509,id=tls0,dir=${certificates.folder},endpoint=server,verify-peer=on`;
    return workplace.qemuNbd(["--object", object, "--tls-creds", "tls0", "-e", "8", "-f", "raw", path]);
  },
} as const;

describe.for(["nbdkit", "qemu-nbd"] as const)("%s", (program) => {
  test.skipIf(!able)("reads, writes and reconnects in TLS, with a certificate on either side", async () => {
    const peer = await servers[program]();
    const { ca, clientCert: cert, clientKey: key } = certificates;
    const { client, events } = await open({ tlsCreds: { ca, cert, key }, tlsHostname: "disk.example", connections: 2 });
    const large = new Uint8Array(3 * MiB).map((_, at) => at % 251);
    const small = Array.from({ length: 300 }, (_, at) =>
      client.write(4 * MiB + at * 4096, large.subarray(at, at + 4096)),
    );
    await Promise.all([client.write(0, large), ...small]);
    await client.flush();
    expect(Buffer.compare(await client.read(0, 3 * MiB), large)).toBe(0);
    expect(Buffer.compare(await client.read(4 * MiB + 299 * 4096, 4096), large.subarray(299, 299 + 4096))).toBe(0);
    await peer.kill();
    await until("the loss is noticed", () => events.length === 1);
    await servers[program]();
    await until("it is back", () => events.at(-1)?.type === "connected");
    await client.write(0, large);
  });

  test.skipIf(!able)("what must not connect does not", async () => {
    await servers[program]();
    const { ca, clientCert: cert, clientKey: key } = certificates;
    const good = { ca, cert, key };
    await expect(open({})).rejects.toThrow(/NBD_REP_ERR_TLS_REQD/);
    await expect(open({ tlsCreds: good, tlsHostname: "other.example" })).rejects.toThrow(/other\.example/);
    await expect(open({ tlsCreds: { ...good, ca: others.ca }, tlsHostname: "disk.example" })).rejects.toThrow(
      /certificate/,
    );
    const strange = { ca, cert: others.clientCert, key: others.clientKey };
    await expect(open({ tlsCreds: strange, tlsHostname: "disk.example" })).rejects.toMatchObject({
      name: "BlockError",
    });
    // A unix socket has no host: without tlsHostname only the chain is verified. And what is not verified may be anything.
    await expect(open({ tlsCreds: good })).resolves.toBeDefined();
    await opened?.driver.close();
    const unverified = { ...good, ca: others.ca, verifyPeer: false };
    await expect(open({ tlsCreds: unverified, tlsHostname: "other.example" })).resolves.toBeDefined();
  });
});

test.skipIf(!able)("a server without TLS is refused", async () => {
  await workplace.nbdkit(["memory", "8M"]);
  await expect(open({ tlsCreds: { ca: certificates.ca } })).rejects.toThrow(/to NBD_OPT_STARTTLS/);
});
