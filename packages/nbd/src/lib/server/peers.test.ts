import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { makeCertificates } from "../testing/certificates.ts";
import { havePrograms, run } from "../testing/debian.ts";
import { serve, type TestServer, type TestServerOptions } from "../testing/serve.ts";

const SIZE = 32 << 20;
const LIBNBD = [
  { name: "nbdinfo", package: "libnbd-bin" },
  { name: "nbdcopy", package: "libnbd-bin" },
];
const QEMU = [
  { name: "qemu-img", package: "qemu-utils" },
  { name: "qemu-io", package: "qemu-utils" },
];
const FIO = { name: "fio", package: "fio" };
const OPENSSL = { name: "openssl", package: "openssl" };

let s: TestServer;

async function start(options: TestServerOptions = {}): Promise<void> {
  s = await serve({ memory: { size: SIZE, chunkSize: 65536 }, ...options });
}

/** Runs a program that must succeed, and returns what it printed. */
async function ok(name: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(name, args);
  if (code !== 0) throw new Error(`${name} ${args.join(" ")} ended with ${code}: ${stdout}${stderr}`);
  return stdout;
}

/** A file of random data with a hole in the middle, as large as the disk. */
function sourceFile(): { path: string; content: Buffer } {
  const content = Buffer.alloc(SIZE);
  randomBytes(5 << 20).copy(content, 0);
  randomBytes(3 << 20).copy(content, 20 << 20);
  const path = join(s.directory, "source.raw");
  writeFileSync(path, content);
  return { path, content };
}

beforeEach(() => start());
afterEach(() => s.stop());

describe.runIf(havePrograms(...LIBNBD))("libnbd", () => {
  test("nbdinfo sees the export as it is", async () => {
    const { exports, ...connection } = JSON.parse(await ok("nbdinfo", "--json", s.uri)) as Record<string, unknown>;
    expect(connection).toMatchObject({ protocol: "newstyle-fixed", TLS: false, structured: true });
    expect(exports).toMatchObject([
      {
        "export-name": "disk",
        description: "a test's disk",
        contexts: ["base:allocation"],
        is_rotational: false,
        is_read_only: false,
        can_cache: true,
        can_df: true,
        can_fast_zero: true,
        can_flush: true,
        can_fua: true,
        can_multi_conn: true,
        can_trim: true,
        can_zero: true,
        block_size_minimum: 1,
        block_size_preferred: 4096,
        block_size_maximum: 1 << 25,
        "export-size": SIZE,
      },
    ]);
  });

  test("nbdinfo --list lists all exports", async () => {
    s.server.addExport({ name: "second", driver: s.driver });
    const listed = JSON.parse(await ok("nbdinfo", "--list", "--json", s.uri)) as { exports: unknown[] };
    expect(listed.exports).toMatchObject([
      { "export-name": "disk", is_read_only: false },
      { "export-name": "second", is_read_only: true },
    ]);
  });

  test("nbdcopy copies in and out, and nbdinfo --map shows the holes", async () => {
    const { path, content } = sourceFile();
    await ok("nbdcopy", path, s.uri);
    const target = join(s.directory, "target.raw");
    await ok("nbdcopy", s.uri, target);
    expect(readFileSync(target).equals(content)).toBe(true);
    const map = JSON.parse(await ok("nbdinfo", "--map", "--json", s.uri)) as unknown;
    expect(map).toEqual([
      { offset: 0, length: 5 << 20, type: 0, description: "data" },
      { offset: 5 << 20, length: 15 << 20, type: 3, description: "hole,zero" },
      { offset: 20 << 20, length: 3 << 20, type: 0, description: "data" },
      { offset: 23 << 20, length: SIZE - (23 << 20), type: 3, description: "hole,zero" },
    ]);
  });

  test("nbdcopy uses several connections, or one synchronously", async () => {
    const { path, content } = sourceFile();
    await ok("nbdcopy", "--connections=4", "--threads=4", "--requests=32", path, s.uri);
    expect(s.events.filter(({ type }) => type === "opened").length).toBe(4);
    expect((await run("nbdcopy", [s.uri, "null:"])).code).toBe(0);
    const target = join(s.directory, "target.raw");
    await ok("nbdcopy", "--synchronous", s.uri, target);
    expect(readFileSync(target).equals(content)).toBe(true);
  });
});

describe.runIf(havePrograms(...QEMU))("qemu", () => {
  test("qemu-img info sees the size", async () => {
    const info = JSON.parse(await ok("qemu-img", "info", "--output=json", s.uri)) as unknown;
    expect(info).toMatchObject({ format: "raw", "virtual-size": SIZE });
  });

  test("qemu-img converts, compares and maps", async () => {
    const { path } = sourceFile();
    await ok("qemu-img", "convert", "-n", "-f", "raw", "-O", "raw", path, s.uri);
    expect(await ok("qemu-img", "compare", "-f", "raw", "-F", "raw", path, s.uri)).toContain("Images are identical.");
    const map = JSON.parse(await ok("qemu-img", "map", "--output=json", "-f", "raw", s.uri)) as { data: boolean }[];
    expect(map.map(({ data }) => data)).toEqual([true, false, true, false]);
    const back = join(s.directory, "back.qcow2");
    await ok("qemu-img", "convert", "-f", "raw", "-O", "qcow2", s.uri, back);
    expect(await ok("qemu-img", "compare", path, back)).toContain("Images are identical.");
  });

  test("qemu-img finds a difference, so that the test above can fail", async () => {
    const { path, content } = sourceFile();
    await ok("qemu-img", "convert", "-n", "-f", "raw", "-O", "raw", path, s.uri);
    content[21 << 20]! ^= 1;
    writeFileSync(path, content);
    expect((await run("qemu-img", ["compare", "-f", "raw", "-F", "raw", path, s.uri])).code).toBe(1);
  });

  test("qemu-io writes, zeroes, discards, flushes and reads", async () => {
    const commands = [
      "write -P 5 1M 64k",
      "read -P 5 1M 64k",
      "write -z 1M 32k",
      "read -P 0 1M 32k",
      "read -P 5 1080k 8k",
      "write -z -u 1M 64k",
      "write -f -P 7 2M 512",
      "discard 1M 1M",
      "flush",
      "aio_write -P 9 3M 1M",
      "aio_flush",
      "read -P 9 3M 1M",
      "writev -P 3 4M 4k 8k 4k",
      "readv -P 3 4M 4k 8k 4k",
    ];
    const output = await ok("qemu-io", "-f", "raw", ...commands.flatMap((command) => ["-c", command]), s.uri);
    expect(output).not.toMatch(/failed|error/i);
    expect(s.driver.log.map(({ operation }) => operation)).toEqual(expect.arrayContaining(["discard", "write-zeroes"]));
  });

  test("qemu-io works without structured alignment promises: 512-byte storage", async () => {
    await s.stop();
    await start({ memory: { size: SIZE, capabilities: { requestAlignment: 512, fua: false } } });
    const commands = ["write -f -P 5 1000 100", "read -P 5 1000 100", "read -P 0 1100 100"];
    expect(await ok("qemu-io", "-f", "raw", ...commands.flatMap((command) => ["-c", command]), s.uri)).not.toMatch(
      /failed/,
    );
  });

  test("a read-only export refuses writes", async () => {
    s.server.addExport({ name: "ro", driver: s.driver });
    const uri = `nbd+unix:///ro?socket=${s.path}`;
    const { stdout, stderr } = await run("qemu-io", ["-f", "raw", "-c", "write 0 512", uri]);
    expect(`${stdout}${stderr}`).toMatch(/Permission denied|read-only/);
  });
});

describe.runIf(havePrograms(FIO))("fio", () => {
  test.each(["randrw", "write"])("%s verifies", async (pattern) => {
    const sizes = ["--bsrange=512-128k", "--size=16m", "--iodepth=16"];
    const verify = ["--verify=crc32c", "--verify_fatal=1", "--verify_state_save=0", "--randseed=7"];
    const uri = s.uri.replace("///?", "///disk?");
    const output = await ok(
      "fio",
      "--name=verify",
      "--ioengine=nbd",
      `--uri=${uri}`,
      `--rw=${pattern}`,
      ...sizes,
      ...verify,
      "--output-format=json",
    );
    const report = JSON.parse(output.slice(output.indexOf("{"))) as { jobs: [{ error: number; total_err: number }] };
    expect(report.jobs[0]).toMatchObject({ error: 0 });
  });
});

describe.runIf(havePrograms(OPENSSL, ...LIBNBD, ...QEMU))("peers with TLS", () => {
  test("libnbd and qemu-img come in with a certificate, and not without", async () => {
    const { directory } = s;
    const { serverKey: key, serverCert: cert, ca } = makeCertificates(directory);
    const options: TestServerOptions = { memory: { size: SIZE }, tls: { key, cert, ca, verifyPeer: true } };
    const secure = await serve(options);
    const { address } = await secure.server.listen({ host: "127.0.0.1", port: 0 });
    const port = "port" in address ? address.port : 0;
    const uri = `nbds://localhost:${port}/disk?tls-certificates=${directory}`;
    const info = JSON.parse(await ok("nbdinfo", "--json", uri)) as unknown;
    expect(info).toMatchObject({ TLS: true, structured: true, exports: [{ "export-size": SIZE }] });
    const { path, content } = sourceFile();
    await ok("nbdcopy", path, uri);
    const credentials = ["--object", `tls-creds-x509,id=tls0,dir=${directory},endpoint=client`];
    const image = `driver=nbd,host=localhost,port=${port},export=disk,tls-creds=tls0`;
    const target = join(directory, "target.raw");
    await ok("qemu-img", "convert", ...credentials, "--image-opts", image, "-O", "raw", target);
    expect(readFileSync(target).equals(content)).toBe(true);
    expect((await run("nbdinfo", [`nbd://localhost:${port}/disk`])).code).toBe(1);
    expect((await run("qemu-img", ["info", `nbd://localhost:${port}/disk`])).stderr).toMatch(/TLS/);
    await secure.stop();
  });
});
