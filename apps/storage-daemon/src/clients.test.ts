import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { startDaemonProcess } from "./testing/daemon-process.ts";
import { fioResult, startFio } from "./testing/fio.ts";
import { expectStopped, inSandbox } from "./testing/in-sandbox.ts";
import { havePrograms, mustRun, runProgram } from "./testing/programs.ts";
import { clock, report } from "./testing/time.ts";
import { Upstream } from "./testing/upstream.ts";
import type { Sandbox } from "./testing/sandbox.ts";

const MIB = 1024 * 1024;
const SIZE = 32 * MIB;

/** Options of a daemon that exports the node `disk`, over whatever storage. */
const storages = [
  {
    name: "a file",
    options: (sandbox: Sandbox) => {
      const file = sandbox.file("disk.img", SIZE);
      return Promise.resolve(["--blockdev", `file,node-name=disk,filename=${file},discard=unmap`]);
    },
  },
  {
    name: "an upstream below a rehandle node",
    options: async (sandbox: Sandbox) => {
      const { socket } = await Upstream.start(sandbox, "nbdkit", sandbox.file("disk.img", SIZE));
      return [
        "--blockdev",
        `nbd,node-name=upstream,server.type=unix,server.path=${socket},discard=unmap`,
        "--blockdev",
        "rehandle,node-name=disk,file=upstream,discard=unmap,iohang-timeout=60",
      ];
    },
  },
] as const;

const programs = ["nbdkit", "nbdinfo", "nbdcopy", "qemu-img", "qemu-io", "fio"] as const;

describe.skipIf(!havePrograms(...programs))(
  "real NBD clients",
  () => {
    test.concurrent.each(storages)("work with the daemon on $name", ({ name, options }) =>
      inSandbox(async (sandbox) => {
        const storage = await options(sandbox);
        const daemon = await startDaemonProcess(sandbox, [
          ...storage,
          "--export",
          "nbd,id=e,node-name=disk,writable=on,description=a test's disk",
        ]);
        const uri = daemon.uri("disk");

        const info = JSON.parse(await mustRun("nbdinfo", ["--json", uri])) as { exports: Record<string, unknown>[] };
        expect(info.exports[0]).toMatchObject({ "export-name": "disk", "export-size": SIZE, is_read_only: false });
        expect(await mustRun("nbdinfo", ["--list", daemon.uri("")])).toContain("a test's disk");
        expect(await mustRun("qemu-img", ["info", "--output=json", uri])).toContain(`"virtual-size": ${SIZE}`);

        const source = sandbox.path("source.img");
        writeFileSync(source, Buffer.concat([randomBytes(8 * MIB), Buffer.alloc(16 * MIB), randomBytes(8 * MIB)]));
        const started = clock.now();
        await mustRun("nbdcopy", ["--flush", source, uri]);
        const copied = clock.now();
        await mustRun("nbdcopy", [uri, sandbox.path("back.img")]);
        report(`${name}: nbdcopy in ${rate(copied - started)}, out ${rate(clock.now() - copied)}`);
        expect(readFileSync(sandbox.path("back.img")).equals(readFileSync(source))).toBe(true);

        await mustRun("qemu-img", ["compare", "-f", "raw", "-F", "raw", source, uri]);
        const qcow2 = sandbox.path("disk.qcow2");
        await mustRun("qemu-img", ["convert", "-f", "raw", "-O", "qcow2", uri, qcow2]);
        await mustRun("qemu-img", ["compare", "-f", "qcow2", "-F", "raw", qcow2, uri]);

        const commands = [
          "write -P 0xa5 1M 2M",
          "write -z 5M 64k",
          "discard 6M 1M",
          "flush",
          "read -P 0xa5 1M 2M",
          "read -P 0 5M 64k",
        ];
        const io = await runProgram("qemu-io", ["-f", "raw", ...commands.flatMap((command) => ["-c", command]), uri]);
        expect(io, io.stderr).toMatchObject({ code: 0 });
        expect(io.stdout).not.toContain("verification failed");
        const differs = await runProgram("qemu-img", ["compare", "-f", "raw", "-F", "raw", source, uri]);
        expect(differs.code).toBe(1);

        const fio = await fioResult(startFio(sandbox, { uri, seconds: 3, size: 8 * MIB, rate: 20_000 }));
        report(`${name}: fio ${fio.writes} writes and ${fio.reads} verifying reads in 3 s, ${fio.errors} errors`);
        expect(fio, fio.stderr).toMatchObject({ code: 0, errors: 0 });
        await expectStopped(daemon);
      }),
    );
  },
  120_000,
);

function rate(ms: number): string {
  return `${(SIZE / MIB / (ms / 1000)).toFixed(0)} MiB/s`;
}
