import { describe, expect, test } from "vitest";
import { startDaemonProcess } from "./testing/daemon-process.ts";
import { expectStopped, inSandbox } from "./testing/in-sandbox.ts";
import { hangEvents, untilHangEvents } from "./testing/monitor-client.ts";
import { connectClient, timed } from "./testing/nbd-client.ts";
import { havePrograms } from "./testing/programs.ts";
import { clock, pause, report, until } from "./testing/time.ts";
import { Upstream } from "./testing/upstream.ts";

describe.skipIf(!havePrograms("nbdkit"))("iohang-timeout", () => {
  test(
    "held requests fail with EIO after it, later ones at once, and the storage's return heals everything",
    () =>
      inSandbox(async (sandbox) => {
        const upstream = await Upstream.start(sandbox, "nbdkit", sandbox.file("disk.img", 1024 * 1024));
        const { socket } = upstream;
        const daemon = await startDaemonProcess(sandbox, [
          "--drive",
          `file=nbd:unix:${socket},format=raw,iohang-timeout=5,werror=report,rerror=report,id=d0`,
          "--export",
          "nbd,id=e,node-name=d0,writable=on",
        ]);
        const { monitor } = daemon;
        const client = await connectClient(sandbox, daemon.socket, "d0");
        await client.write(0, new Uint8Array(4096).fill(1));

        await upstream.goAway();
        const held = await Promise.all([
          timed(client.write(4096, new Uint8Array(4096).fill(2))),
          timed(client.read(0, 4096)),
        ]);
        const [write, read] = held;
        report(`iohang-timeout=5: held requests failed after ${write.ms.toFixed(0)} and ${read.ms.toFixed(0)} ms`);
        for (const { code, ms } of held) {
          expect(code).toBe("EIO");
          expect(ms).toBeGreaterThan(4000);
          expect(ms).toBeLessThan(6500);
        }
        await untilHangEvents(monitor, 2);
        expect(hangEvents(monitor)).toEqual(["HANG true d0-1", "HANG_TIMEOUT true d0-1"]);
        expect(await monitor.execute("query-rehandle")).toMatchObject([
          { device: "d0", status: "hang", held: 0, outage: { id: "d0-1", "timed-out": true } },
        ]);

        const later = await timed(client.read(0, 4096));
        report(`iohang-timeout=5: a later request failed after ${later.ms.toFixed(0)} ms`);
        expect(later.code).toBe("EIO");
        expect(later.ms).toBeLessThan(1000);

        await upstream.comeBack();
        await untilHangEvents(monitor, 4);
        expect(hangEvents(monitor).slice(2)).toEqual(["HANG_TIMEOUT false d0-1", "HANG false d0-1"]);
        expect((await client.read(0, 4096)).every((byte) => byte === 1)).toBe(true);
        await client.write(4096, new Uint8Array(4096).fill(3));
        expect(await monitor.execute("query-rehandle")).toMatchObject([{ status: "normal", held: 0 }]);
        await expectStopped(daemon);
      }),
    120_000,
  );

  test(
    "werror=retry holds writes for retry_timeout, and leaves reads alone",
    () =>
      inSandbox(async (sandbox) => {
        const upstream = await Upstream.start(sandbox, "nbdkit", sandbox.file("disk.img", 1024 * 1024));
        const daemon = await startDaemonProcess(sandbox, [
          "--drive",
          `file=nbd:unix:${upstream.socket},format=raw,id=d0,werror=retry,rerror=report,retry_interval=50,retry_timeout=3000`,
          "--export",
          "nbd,id=e,node-name=d0,writable=on",
        ]);
        const client = await connectClient(sandbox, daemon.socket, "d0");
        await client.write(0, new Uint8Array(4096).fill(1));

        await upstream.goAway();
        const [write, read] = await Promise.all([
          timed(client.write(4096, new Uint8Array(4096).fill(2))),
          timed(client.read(0, 4096)),
        ]);
        report(
          `retry_timeout=3000: a write failed after ${write.ms.toFixed(0)} ms, a read after ${read.ms.toFixed(0)}`,
        );
        expect([write.code, read.code]).toEqual(["EIO", "EIO"]);
        expect(write.ms).toBeGreaterThan(2500);
        expect(write.ms).toBeLessThan(5000);
        expect(read.ms).toBeLessThan(2000);

        const survivor = client.write(8192, new Uint8Array(4096).fill(3));
        await pause(500);
        await upstream.comeBack();
        await survivor;
        expect((await client.read(8192, 4096)).every((byte) => byte === 3)).toBe(true);
        await expectStopped(daemon);
      }),
    60_000,
  );

  test(
    "extend puts it off, fail ends the waiting at once, and a request's story can be asked for",
    () =>
      inSandbox(async (sandbox) => {
        const upstream = await Upstream.start(sandbox, "nbdkit", sandbox.file("disk.img", 1024 * 1024));
        const daemon = await startDaemonProcess(sandbox, [
          "--blockdev",
          `nbd,node-name=up,server.type=unix,server.path=${upstream.socket}`,
          "--blockdev",
          "rehandle,node-name=r0,file=up,iohang-timeout=2",
          "--export",
          "nbd,id=e,node-name=r0,writable=on",
        ]);
        const { monitor } = daemon;
        const client = await connectClient(sandbox, daemon.socket, "r0");
        await upstream.goAway();
        const held = timed(client.read(8192, 4096));
        await untilHangEvents(monitor, 1);
        await monitor.execute("rehandle-extend", { "node-name": "r0", ms: 60_000 });
        await pause(2500);
        expect(hangEvents(monitor)).toEqual(["HANG true r0-1"]);

        const [request] = await monitor.execute("query-rehandle-requests", { "node-name": "r0" });
        expect(request).toMatchObject({ operation: "read", offset: 8192, length: 4096 });
        expect(request?.timeline.map(({ what }) => what)).toContain("held");
        expect(Math.abs(Number(request?.timeline[0]?.at) - clock.realtime())).toBeLessThan(60_000);
        const [statistics] = await monitor.execute("query-rehandle-statistics");
        const times = [request?.timeline[0]?.at, request?.["held-ms"], statistics?.["oldest-held-ms"]];
        expect(times.every(Number.isInteger), times.join()).toBe(true);

        expect(await monitor.execute("rehandle-fail", { "node-name": "r0" })).toEqual({ failed: 1 });
        expect((await held).code).toBe("EIO");
        await until("the end of the hang", () => hangEvents(monitor).includes("HANG false r0-1"));
        await expectStopped(daemon);
        const { stderr } = daemon.process;
        expect(stderr).toContain("r0: outage extended by a monitor: 60000 ms\n");
        expect(stderr).toContain("r0: 1 held request failed by a monitor\n");
        expect(stderr).toContain("1 request had been held, 1 failed, 0 writes replayed\n");
      }),
    120_000,
  );
});
