import { copyFileSync, mkdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { startDaemonProcess } from "./testing/daemon-process.ts";
import { expectStopped, inSandbox } from "./testing/in-sandbox.ts";
import { hangEvents, untilHangEvents } from "./testing/monitor-client.ts";
import { makeCertificates } from "./testing/certificates.ts";
import { runOurs } from "./testing/compared-daemons.ts";
import { connectClient, timed } from "./testing/nbd-client.ts";
import { havePrograms, mustRun, runProgram } from "./testing/programs.ts";
import { until } from "./testing/time.ts";
import { Upstream } from "./testing/upstream.ts";

const MIB = 1024 * 1024;

describe.skipIf(!havePrograms("nbdkit", "nbdinfo"))("several exports", () => {
  test(
    "of two nodes: an outage of one is no matter of the other",
    () =>
      inSandbox(async (sandbox) => {
        const upstream = await Upstream.start(sandbox, "nbdkit", sandbox.file("a.img", MIB));
        const daemon = await startDaemonProcess(sandbox, [
          "--blockdev",
          `nbd,node-name=up,server.type=unix,server.path=${upstream.socket}`,
          "--blockdev",
          "rehandle,node-name=a,file=up",
          "--blockdev",
          `rehandle,node-name=b,file.driver=file,file.filename=${sandbox.file("b.img", MIB)}`,
          "--export",
          "nbd,id=e1,node-name=a,writable=on",
          "--export",
          "nbd,id=e2,node-name=b,writable=on",
          "--export",
          "nbd,id=e3,node-name=b,name=read-only",
        ]);
        const a = await connectClient(sandbox, daemon.socket, "a");
        const b = await connectClient(sandbox, daemon.socket, "b");
        await upstream.goAway();
        const held = timed(a.write(0, new Uint8Array(512).fill(1)));
        await untilHangEvents(daemon.monitor, 1);
        await b.write(0, new Uint8Array(512).fill(2));
        expect((await b.read(0, 512))[511]).toBe(2);
        const readOnly = await connectClient(sandbox, daemon.socket, "read-only");
        expect((await readOnly.read(0, 512))[0]).toBe(2);
        expect((await timed(readOnly.write(0, new Uint8Array(512)))).code).toBe("EROFS");
        await upstream.comeBack();
        expect((await held).code).toBe(null);
        await untilHangEvents(daemon.monitor, 2);
        expect(hangEvents(daemon.monitor)).toEqual(["HANG true a-1", "HANG false a-1"]);
        const list = await mustRun("nbdinfo", ["--list", daemon.uri("")]);
        for (const name of ["a", "b", "read-only"]) expect(list).toContain(`export="${name}":`);
        await expectStopped(daemon);
      }),
    60_000,
  );

  test(
    "another disk at the same address is refused, and log, query and event say why",
    () =>
      inSandbox(async (sandbox) => {
        const upstream = await Upstream.start(sandbox, "nbdkit", sandbox.file("a.img", MIB));
        const smaller = sandbox.file("smaller.img", MIB / 2);
        const daemon = await startDaemonProcess(sandbox, [
          "--blockdev",
          `nbd,node-name=up,server.type=unix,server.path=${upstream.socket}`,
          "--blockdev",
          "rehandle,node-name=a,file=up",
          "--export",
          "nbd,id=e1,node-name=a,writable=on",
        ]);
        const client = await connectClient(sandbox, daemon.socket, "a");
        await upstream.goAway();
        const held = timed(client.write(0, new Uint8Array(512).fill(1)));
        await upstream.comeBack(smaller);
        const event = await until("the event", () => {
          return daemon.monitor.log.find((message) => message.event === "BLOCK_STORAGE_REFUSED");
        });
        expect(event.data).toMatchObject({ "node-name": "a" });
        const [info] = await daemon.monitor.execute("query-rehandle");
        expect(info).toMatchObject({ status: "hang", held: 1 });
        expect(info?.outage?.reason).toContain("storage refused");
        expect(daemon.process.stderr).toContain("error a: storage refused");
        await upstream.goAway();
        await upstream.comeBack();
        expect((await held).code).toBe(null);
        await expectStopped(daemon);
      }),
    60_000,
  );
});

test(
  "a congested node leaves its clients' requests in their sockets, and drops none",
  () =>
    inSandbox(async (sandbox) => {
      const daemon = await startDaemonProcess(sandbox, [
        "--blockdev",
        `rehandle,node-name=a,file.driver=file,file.filename=${sandbox.file("a.img", MIB)},max-held-requests=10`,
        "--export",
        "nbd,id=e1,node-name=a,writable=on",
      ]);
      const { monitor } = daemon;
      const client = await connectClient(sandbox, daemon.socket, "a");
      await monitor.execute("rehandle-pause", { "node-name": "a" });
      const writes = Array.from({ length: 100 }, (_, i) => timed(client.write(i * 512, new Uint8Array(512).fill(i))));
      await until("congestion", async () => (await monitor.execute("query-rehandle-statistics"))[0]?.congested);
      const other = await connectClient(sandbox, daemon.socket, "a");
      const waiting = timed(other.write(100 * 512, new Uint8Array(512).fill(100)));
      const [before] = await monitor.execute("query-rehandle-statistics");
      expect(Number(before?.["queued-now"])).toBeLessThan(100);
      await monitor.execute("rehandle-resume", { "node-name": "a" });
      const codes = new Set((await Promise.all(writes)).map(({ code }) => code));
      expect([...codes]).toEqual([null]);
      expect((await waiting).code).toBe(null);
      for (const i of [0, 50, 99, 100]) expect((await client.read(i * 512, 512))[7]).toBe(i);
      expect(daemon.process.stderr).toContain("a: congested");
      await expectStopped(daemon);
    }),
  60_000,
);

describe.skipIf(!havePrograms("openssl", "qemu-img", "nbdinfo"))("TLS", () => {
  test(
    "clients with a certificate get in, others do not; and the daemon is such a client itself",
    () =>
      inSandbox(async (sandbox) => {
        const dir = sandbox.path("tls");
        makeCertificates(dir);
        const server = await startDaemonProcess(
          sandbox,
          [
            "--object",
            `tls-creds-x509,id=tls0,dir=${dir},endpoint=server`,
            "--blockdev",
            `file,node-name=disk,filename=${sandbox.file("disk.img", MIB)}`,
            "--nbd-server",
            "addr.type=inet,addr.host=127.0.0.1,addr.port=0,tls-creds=tls0",
            "--export",
            "nbd,id=e,node-name=disk,writable=on",
          ],
          "server",
        );
        const port = await until(
          "the port",
          () => /listening on 127\.0\.0\.1 port (\d+), TLS only/.exec(server.process.stderr)?.[1],
        );

        await until("the start", () => server.process.stderr.includes("; nodes: disk; exports: e\n"));
        const info = await mustRun("nbdinfo", [`nbds://localhost:${port}/disk?tls-certificates=${dir}`]);
        expect(info).toContain("protocol: newstyle-fixed with TLS");
        const credentials = ["--object", `tls-creds-x509,id=c,dir=${dir},endpoint=client`];
        const image = `driver=nbd,host=localhost,port=${port},export=disk,tls-creds=c`;
        expect(await mustRun("qemu-img", ["info", ...credentials, "--image-opts", image])).toContain("1 MiB");
        expect((await runProgram("nbdinfo", [`nbd://localhost:${port}/disk`])).code).not.toBe(0);
        const plain = `nbd,node-name=up,server.type=inet,server.host=127.0.0.1,server.port=${port},export=disk`;
        expect((await runOurs(["--blockdev", plain])).stderr).toContain("\nDid you forget a valid tls-creds?\n");
        const nameless = sandbox.path("nameless");
        mkdirSync(nameless);
        copyFileSync(`${dir}/ca-cert.pem`, `${nameless}/ca-cert.pem`);
        const refused = await runProgram("nbdinfo", [`nbds://localhost:${port}/disk?tls-certificates=${nameless}`]);
        expect(refused.code).not.toBe(0);

        const second = await startDaemonProcess(
          sandbox,
          [
            "--object",
            `tls-creds-x509,id=c,dir=${dir},endpoint=client`,
            "--blockdev",
            `nbd,node-name=up,server.type=inet,server.host=127.0.0.1,server.port=${port},export=disk,tls-creds=c`,
            "--blockdev",
            "rehandle,node-name=r,file=up",
            "--export",
            "nbd,id=e,node-name=r,writable=on",
          ],
          "second",
        );
        const client = await connectClient(sandbox, second.socket, "r");
        await client.write(512, new Uint8Array(512).fill(3));
        expect((await client.read(512, 512))[0]).toBe(3);
        await expectStopped(second);
        await expectStopped(server);
      }),
    60_000,
  );
});
