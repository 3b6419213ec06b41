import { describe, expect, test } from "vitest";
import { startDaemonProcess, type DaemonProcess } from "./testing/daemon-process.ts";
import { fioResult, startFio } from "./testing/fio.ts";
import { expectStopped, inSandbox } from "./testing/in-sandbox.ts";
import { hangEvents, untilHangEvents } from "./testing/monitor-client.ts";
import { havePrograms } from "./testing/programs.ts";
import { Reader } from "./testing/reader.ts";
import { clock, pause, report, until } from "./testing/time.ts";
import { Upstream } from "./testing/upstream.ts";
import type { Sandbox } from "./testing/sandbox.ts";

/** How long the upstream stays away, s. */
const AWAY = Number(process.env["REHANDLE_OUTAGE_SECONDS"] ?? 10);
const MIB = 1024 * 1024;
const AREA = 4 * MIB;

/** Everything around one upstream. */
interface Rig {
  readonly sandbox: Sandbox;
  readonly upstream: Upstream;
  readonly daemon: DaemonProcess;
  readonly reader: Reader;
}

/** The upstream is away once: from when it accepts again, ms until the first I/O was done. */
async function outage({ upstream, daemon, reader }: Rig, number: number): Promise<number> {
  await upstream.goAway();
  await untilHangEvents(daemon.monitor, 2 * number - 1);
  await pause(AWAY * 1000);
  const startedAgain = clock.now();
  const acceptedAt = await upstream.comeBack();
  await untilHangEvents(daemon.monitor, 2 * number);
  const first = await until("a read", () => reader.firstSuccessSince(startedAgain));
  return Math.max(0, first.endedAt - acceptedAt);
}

/** The RFC's two events for each of so many outages. */
function alternating(node: string, outages: number): string[] {
  return Array.from({ length: outages }, (_, i) => [
    `HANG true ${node}-${i + 1}`,
    `HANG false ${node}-${i + 1}`,
  ]).flat();
}

describe.skipIf(!havePrograms("nbdkit", "qemu-nbd", "fio"))(
  "an upstream under fio, which goes away three times",
  () => {
    const peers = [
      {
        program: "nbdkit",
        device: "drive0",
        options: (socket: string) => ["--drive", `file=nbd:unix:${socket},format=raw,iohang-timeout=60,id=drive0`],
      },
      {
        program: "qemu-nbd",
        device: "",
        options: (socket: string) => [
          "--blockdev",
          `nbd,node-name=upstream,server.type=unix,server.path=${socket}`,
          "--blockdev",
          "rehandle,node-name=drive0,file=upstream,iohang-timeout=60",
        ],
      },
    ] as const;

    test.concurrent.each(peers)(
      "$program is killed: no errors, all data verified, two events for each outage",
      ({ program, device, options }) =>
        inSandbox(async (sandbox) => {
          const file = sandbox.file("disk.img", 16 * MIB);
          const upstream = await Upstream.start(sandbox, program, file);
          const daemon = await startDaemonProcess(sandbox, [
            ...options(upstream.socket),
            "--export",
            "nbd,id=e,node-name=drive0,writable=on",
          ]);
          const reader = await Reader.start(daemon.socket, "drive0");
          const fio = startFio(sandbox, { uri: daemon.uri("drive0"), seconds: 3 * AWAY + 12, size: AREA });
          await pause(1500);

          const latencies: number[] = [];
          for (let number = 1; number <= 3; number += 1) {
            latencies.push(await outage({ sandbox, upstream, daemon, reader }, number));
            await pause(1000);
          }
          const result = await fioResult(fio);
          await reader.stop();

          const shown = latencies.map((ms) => `${ms.toFixed(0)} ms`).join(", ");
          report(`${program} killed 3 times for ${AWAY} s: first I/O after it accepts again: ${shown}`);
          report(`${program}: fio ${result.writes} writes, ${result.reads} verifying reads, ${result.errors} errors`);
          expect(result, result.stderr).toMatchObject({ code: 0, errors: 0 });
          expect(hangEvents(daemon.monitor)).toEqual(alternating("drive0", 3));
          for (const event of daemon.monitor.log) {
            if (event.event === "BLOCK_IO_HANG") expect(event.data).toMatchObject({ device, "node-name": "drive0" });
          }
          expect(reader.done.filter(({ code }) => code !== null)).toEqual([]);
          // Other work of a small machine may delay one of them, but not all.
          expect(Math.min(...latencies)).toBeLessThanOrEqual(250);
          expect(Math.max(...latencies)).toBeLessThanOrEqual(2500);
          const [statistics] = await daemon.monitor.execute("query-rehandle-statistics");
          expect(statistics).toMatchObject({ failed: 0, outages: 3, timeouts: 0, "held-now": 0 });
          await expectStopped(daemon);
        }),
      3 * AWAY * 1000 + 120_000,
    );

    test.concurrent(
      "nbdkit is frozen: the request timeout notices, with the same result",
      () =>
        inSandbox(async (sandbox) => {
          const file = sandbox.file("disk.img", 16 * MIB);
          const upstream = await Upstream.start(sandbox, "nbdkit", file);
          const daemon = await startDaemonProcess(sandbox, [
            "--blockdev",
            `nbd,node-name=upstream,server.type=unix,server.path=${upstream.socket}`,
            "--blockdev",
            "rehandle,node-name=drive0,file=upstream,request-timeout=1000",
            "--export",
            "nbd,id=e,node-name=drive0,writable=on",
          ]);
          const reader = await Reader.start(daemon.socket, "drive0");
          const fio = startFio(sandbox, { uri: daemon.uri("drive0"), seconds: AWAY + 8, size: AREA });
          await pause(1500);

          const frozenAt = clock.now();
          await upstream.freeze();
          await untilHangEvents(daemon.monitor, 1);
          const noticed = clock.now() - frozenAt;
          await pause(frozenAt + AWAY * 1000 - clock.now());
          const thawedAt = clock.now();
          upstream.thaw();
          await untilHangEvents(daemon.monitor, 2);
          const first = await until("a read", () => reader.firstSuccessSince(thawedAt));
          const result = await fioResult(fio);
          await reader.stop();

          report(
            `nbdkit frozen for ${AWAY} s: noticed after ${noticed.toFixed(0)} ms, first I/O ${(first.endedAt - thawedAt).toFixed(0)} ms after it went on`,
          );
          report(
            `nbdkit frozen: fio ${result.writes} writes, ${result.reads} verifying reads, ${result.errors} errors`,
          );
          expect(result, result.stderr).toMatchObject({ code: 0, errors: 0 });
          expect(hangEvents(daemon.monitor)).toEqual(alternating("drive0", 1));
          expect(reader.done.filter(({ code }) => code !== null)).toEqual([]);
          expect(noticed).toBeGreaterThanOrEqual(990);
          expect(noticed).toBeLessThan(5000);
          expect(first.endedAt - thawedAt).toBeLessThan(2500);
          await expectStopped(daemon);
        }),
      AWAY * 1000 + 120_000,
    );
  },
);
