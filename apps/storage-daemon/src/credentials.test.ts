import { execFileSync } from "node:child_process";
import { copyFileSync, cpSync, readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeCertificates } from "./testing/certificates.ts";
import { comparable, runOurs, runTheirs } from "./testing/compared-daemons.ts";
import { havePrograms } from "./testing/programs.ts";
import { Sandbox } from "./testing/sandbox.ts";

const JUNK = "junk\n";
const BROKEN = "-----BEGIN CERTIFICATE-----\nMIIaaaa\n-----END CERTIFICATE-----\n";

/** What was done to a folder of good files, and what both say of it, whatever the reason behind. */
const SPOILT: readonly (readonly [string, (folder: string) => void, string])[] = [
  ["no authority", (dir) => writeFileSync(`${dir}/ca-cert.pem`, JUNK), "Unable to import CA certificate list @"],
  [
    "a broken second authority",
    (dir) => writeFileSync(`${dir}/ca-cert.pem`, `${readFileSync(`${dir}/ca-cert.pem`, "utf8")}${BROKEN}`),
    "Unable to import CA certificate list @",
  ],
  ["no certificate", (dir) => writeFileSync(`${dir}/server-cert.pem`, JUNK), "Unable to import server certificate @"],
  ["no key", (dir) => writeFileSync(`${dir}/server-key.pem`, JUNK), "Cannot load certificate '@"],
  [
    "the key of another",
    (dir) => copyFileSync(`${dir}/client-key.pem`, `${dir}/server-key.pem`),
    "Cannot load certificate '@",
  ],
  ["out of date", expire, "The server certificate @ has expired"],
];

/** Issues the server's certificate anew, with an end in the past. */
function expire(folder: string): void {
  const files = ["-in", "server.csr", "-out", "server-cert.pem", "-CA", "ca-cert.pem", "-CAkey", "ca-key.pem"];
  execFileSync("openssl", ["x509", "-req", ...files, "-days", "-1"], { cwd: folder, stdio: "pipe" });
}

const sandbox = new Sandbox();
afterAll(() => sandbox.remove());

function spoil(name: string, how: (folder: string) => void): string {
  const dir = sandbox.path(name.replaceAll(" ", "-"));
  cpSync(sandbox.path("good"), dir, { recursive: true });
  how(dir);
  return dir;
}

/** The message up to what differs: the reasons are of two libraries. */
function start(stderr: string, dir: string): string {
  return stderr.split("\n", 1)[0]!.replaceAll(new RegExp(`${dir}/[a-z-]+\\.pem`, "g"), "@");
}

describe.skipIf(!havePrograms("openssl", "qemu-storage-daemon"))("credentials of no use", () => {
  beforeAll(() => makeCertificates(sandbox.path("good")));

  test.each(SPOILT)("%s: refused, with the file's name, as by qemu-storage-daemon", async (name, how, said) => {
    const dir = spoil(name, how);
    const words = ["--object", `tls-creds-x509,id=t,dir=${dir},endpoint=server`];
    for (const run of [runOurs, runTheirs]) {
      const { code, stderr } = await run(words);
      expect(code, stderr).toBe(1);
      expect(start(stderr, dir)).toContain(said);
    }
  });

  test("an end of the wrong kind, as in qemu-storage-daemon", async () => {
    const object = ["--object", `tls-creds-x509,id=t,dir=${sandbox.path("good")},endpoint=client`];
    const words = [...object, "--nbd-server", `addr.type=unix,addr.path=${sandbox.path("s")},tls-creds=t`];
    const ours = comparable(await runOurs(words), "rehandle-storage-daemon");
    expect(ours).toEqual(comparable(await runTheirs(words), "qemu-storage-daemon"));
  });

  test("sanity-check=off takes a certificate that is out of date", async () => {
    const dir = spoil("old", expire);
    const object = ["--object", `tls-creds-x509,id=t,dir=${dir},endpoint=server,sanity-check=off`];
    const { stderr } = await runOurs([...object, "--nbd-server", "addr.type=unix,addr.path=/nonexist/s,tls-creds=t"]);
    expect(stderr).toContain("Failed to bind socket");
  });
});
