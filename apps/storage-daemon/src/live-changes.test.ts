import { createMemoryDriver } from "@rehandle/driver-memory";
import { createRandom, type BlockDriver } from "@rehandle/driver-sdk";
import { readdirSync, existsSync } from "node:fs";
import { PassThrough, Writable } from "node:stream";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { startDaemon } from "./lib/start-daemon.ts";
import { makeCertificates } from "./testing/certificates.ts";
import { startDaemonProcess, type DaemonProcess } from "./testing/daemon-process.ts";
import { fioResult, startFio } from "./testing/fio.ts";
import { expectStopped, inSandbox } from "./testing/in-sandbox.ts";
import { connectClient } from "./testing/nbd-client.ts";
import { havePrograms, mustRun, runProgram } from "./testing/programs.ts";
import { report, until } from "./testing/time.ts";

const MIB = 1024 * 1024;

describe.skipIf(!havePrograms("openssl", "nbdinfo", "qemu-img"))("TLS by QMP alone", () => {
  test("an encrypted key, a server that is started with it, and one without it again", { timeout: 60_000 }, () =>
    inSandbox(async (sandbox) => {
      const dir = sandbox.path("tls");
      makeCertificates(dir, "open sesame");
      const daemon = await startDaemonProcess(sandbox, ["--blockdev", "memory,node-name=m,size=1M"]);
      const { monitor } = daemon;
      await monitor.execute("nbd-server-stop");
      expect(existsSync(daemon.socket)).toBe(false);
      const credentials = { "qom-type": "tls-creds-x509", id: "tls0", dir, endpoint: "server" } as const;
      await expect(monitor.execute("object-add", credentials)).rejects.toThrow("bad decrypt");
      await expect(monitor.execute("object-add", { ...credentials, passwordid: "s" })).rejects.toThrow(
        "No secret with id 's'",
      );
      await monitor.execute("object-add", { "qom-type": "secret", id: "s", data: "open sesame" });
      await monitor.execute("object-add", { ...credentials, passwordid: "s" });
      const addr = { type: "unix", data: { path: daemon.socket } } as const;
      await monitor.execute("nbd-server-start", { addr, "tls-creds": "tls0" });
      await monitor.execute("block-export-add", { type: "nbd", id: "e", "node-name": "m", writable: true });
      await monitor.execute("object-del", { id: "tls0" });
      await monitor.execute("object-del", { id: "s" });

      const secure = `nbds+unix://localhost/m?socket=${daemon.socket}&tls-certificates=${dir}`;
      expect(await mustRun("nbdinfo", [secure])).toContain("export-size: 1048576");
      const image = `driver=nbd,server.type=unix,server.path=${daemon.socket},export=m,tls-creds=c,tls-hostname=localhost`;
      const client = ["--object", `tls-creds-x509,id=c,dir=${dir},endpoint=client`];
      expect(await mustRun("qemu-img", ["info", ...client, "--image-opts", image])).toContain("1 MiB");
      expect((await runProgram("nbdinfo", [daemon.uri("m")])).code).not.toBe(0);

      await monitor.execute("nbd-server-stop");
      await expect(monitor.execute("nbd-server-start", { addr, "tls-creds": "tls0" })).rejects.toThrow(
        "No TLS credentials with id 'tls0'",
      );
      await monitor.execute("nbd-server-start", { addr });
      await monitor.execute("nbd-server-add", { device: "m" });
      expect(await mustRun("nbdinfo", [daemon.uri("m")])).toContain("export-size: 1048576");
      await expectStopped(daemon);
      const log = daemon.process.stderr.replaceAll(/^\S+ /gm, "");
      for (const line of [
        "info nbd: stopped",
        "info tls0: object added, tls-creds-x509",
        "info e: export added, nbd",
      ]) {
        expect(log).toContain(`${line}\n`);
      }
      expect(log).toContain("info e: export deleted\n");
      expect(log).toContain("info s: object deleted\n");
    }),
  );
});

/** A node of each kind on another, an export of each kind, a client, and everything deleted again. */
async function comeAndGo(
  round: number,
  { monitor, socket }: DaemonProcess,
  path: (name: string) => string,
): Promise<void> {
  const name = `n${round}`;
  await monitor.execute("blockdev-add", {
    driver: "rehandle",
    "node-name": name,
    file: { driver: "raw", offset: 4096, file: { driver: "memory", size: 65536 } },
  });
  await monitor.execute("block-export-add", { type: "nbd", id: name, "node-name": name, writable: true });
  await monitor.execute("blockdev-add", {
    driver: "nbd",
    "node-name": `${name}.back`,
    server: { type: "unix", path: socket },
    export: name,
  });
  await monitor.execute("block-export-add", { type: "nbd", id: `${name}.back`, "node-name": `${name}.back` });
  if (round % 10 === 0) {
    await monitor.execute("block-export-add", {
      type: "vhost-user-blk",
      id: "guest",
      "node-name": name,
      addr: { type: "unix", path: path("guest.sock") },
    });
    await monitor.execute("block-export-del", { id: "guest" });
  }
  await expect(monitor.execute("blockdev-add", { driver: "raw", "node-name": "bad", file: "none" })).rejects.toThrow(
    "Cannot find device='none' nor node-name='none'",
  );
  await expect(monitor.execute("blockdev-del", { "node-name": name })).rejects.toThrow(`Node ${name} is in use`);
  await monitor.execute("block-export-del", { id: `${name}.back` });
  // The node in between is a client of the export.
  await expect(monitor.execute("block-export-del", { id: name })).rejects.toThrow(`export '${name}' still in use`);
  await monitor.execute("block-export-del", { id: name, mode: "hard" });
  await monitor.execute("blockdev-del", { "node-name": `${name}.back` });
  await until("the export to be gone", async () => (await monitor.execute("query-block-exports")).length === 1);
  await monitor.execute("blockdev-del", { "node-name": name });
}

/** What the kernel knows of the process's open files, without its own comings and goings. */
function descriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

describe.skipIf(!havePrograms("fio"))("nodes and exports that come and go", () => {
  test("three hundred times beside a client that notices nothing", { timeout: 300_000 }, () =>
    inSandbox(async (sandbox) => {
      const daemon = await startDaemonProcess(sandbox, [
        "--blockdev",
        "rehandle,node-name=steady,file.driver=memory,file.size=16M",
        "--export",
        "nbd,id=steady,node-name=steady,writable=on",
      ]);
      const fio = startFio(sandbox, { uri: daemon.uri("steady"), seconds: 20, size: 4 * MIB });
      const path = (name: string): string => sandbox.path(name);
      await comeAndGo(0, daemon, path);
      const before = descriptors(daemon.process.pid);
      for (let round = 1; round <= 300; round += 1) await comeAndGo(round, daemon, path);
      await until("its descriptors to be as few as before", () => descriptors(daemon.process.pid) <= before);
      const { errors, reads, writes, code, stderr } = await fioResult(fio);
      report(`300 rounds beside fio: ${reads} reads, ${writes} writes, ${errors} errors`);
      expect({ errors, code }, stderr).toEqual({ errors: 0, code: 0 });
      expect(reads).toBeGreaterThan(0);
      const nodes = await daemon.monitor.execute("query-named-block-nodes");
      expect(nodes.map((node) => node.drv)).toEqual(["rehandle", "memory"]);
      await expectStopped(daemon);
    }),
  );
});

test("of what is deleted nothing stays in memory", { timeout: 60_000 }, () =>
  inSandbox(async (sandbox) => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const drivers: WeakRef<BlockDriver>[] = [];
    const input = new PassThrough();
    const talk = new Conversation();
    const daemon = startDaemon(
      [
        "--chardev",
        "stdio,id=c",
        "--monitor",
        "c",
        "--nbd-server",
        `addr.type=unix,addr.path=${sandbox.path("n.sock")}`,
      ],
      {
        stdin: input,
        stdout: talk,
        stderr: new Writable({ write: (_chunk, _encoding, done) => done() }),
        random: createRandom(1),
        wrapDriver: () => {
          const driver = createMemoryDriver({ size: 65536 });
          drivers.push(new WeakRef(driver));
          return driver;
        },
      },
    );
    expect(await daemon.started).toBe(true);
    const run = async (execute: string, args?: object): Promise<void> => {
      input.write(`${JSON.stringify({ execute, arguments: args })}\n`);
      expect(await talk.reply()).toMatch(/^\{"return"/);
    };
    await run("qmp_capabilities");
    for (let round = 0; round < 50; round += 1) {
      await run("blockdev-add", { driver: "rehandle", "node-name": "n", file: { driver: "null-co" } });
      await run("block-export-add", { type: "nbd", id: "e", "node-name": "n" });
      const client = await connectClient(sandbox, sandbox.path("n.sock"), "n", true);
      await client.read(0, 512);
      await run("block-export-del", { id: "e", mode: "hard" });
      await until("the export to be gone", async () => {
        input.write('{"execute":"query-block-exports"}\n');
        return (await talk.reply()) === '{"return": []}';
      });
      await run("blockdev-del", { "node-name": "n" });
    }
    expect(drivers).toHaveLength(50);
    await until("the drivers to be collected", () => {
      collect();
      return drivers.every((driver) => driver.deref() === undefined);
    });
    daemon.stop("host-signal");
    expect(await daemon.exited).toBe(0);
  }),
);

/** Replies of a monitor, without greeting and events. */
class Conversation extends Writable {
  #text = "";
  readonly #replies: string[] = [];
  #wake: () => void = () => undefined;

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    const lines = (this.#text + chunk.toString()).split("\r\n");
    this.#text = lines.pop() ?? "";
    this.#replies.push(...lines.filter((line) => /^\{"(?:return|error)"/.test(line)));
    this.#wake();
    done();
  }

  async reply(): Promise<string> {
    while (this.#replies.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.#replies.shift() ?? "";
  }
}
