import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { startDaemonProcess, type DaemonProcess } from "./testing/daemon-process.ts";
import { inSandbox } from "./testing/in-sandbox.ts";
import { untilHangEvents } from "./testing/monitor-client.ts";
import { connectClient, timed } from "./testing/nbd-client.ts";
import { havePrograms } from "./testing/programs.ts";
import { clock, pause, report } from "./testing/time.ts";
import { Upstream } from "./testing/upstream.ts";
import type { Sandbox } from "./testing/sandbox.ts";

const MIB = 1024 * 1024;
/** The promise of 5 s, and what a busy machine may add. */
const BOUND = 8000;

async function startOverUpstream(sandbox: Sandbox): Promise<{ upstream: Upstream; daemon: DaemonProcess }> {
  const upstream = await Upstream.start(sandbox, "nbdkit", sandbox.file("disk.img", MIB));
  const daemon = await startDaemonProcess(sandbox, [
    "--blockdev",
    `nbd,node-name=up,server.type=unix,server.path=${upstream.socket}`,
    "--blockdev",
    "rehandle,node-name=r0,file=up",
    "--export",
    "nbd,id=e,node-name=r0,writable=on",
  ]);
  return { upstream, daemon };
}

/** Sends the signal; resolves with the exit code and how long the end took. */
async function end({ process }: DaemonProcess, signal: NodeJS.Signals): Promise<{ code: number | string; ms: number }> {
  const start = clock.now();
  process.signal(signal);
  return { code: await process.ended, ms: clock.now() - start };
}

function leftovers(sandbox: Sandbox): string[] {
  return readdirSync(sandbox.folder).filter((name) => name.startsWith("daemon"));
}

describe.skipIf(!havePrograms("nbdkit"))("the end of the daemon", () => {
  test.concurrent(
    "during an outage: held requests are refused with ESHUTDOWN, and it exits with 0 in time",
    () =>
      inSandbox(async (sandbox) => {
        const { upstream, daemon } = await startOverUpstream(sandbox);
        const client = await connectClient(sandbox, daemon.socket, "r0", true);
        await client.write(0, new Uint8Array(4096).fill(1));
        await upstream.goAway();
        const held = [
          timed(client.write(4096, new Uint8Array(4096))),
          timed(client.read(0, 512)),
          timed(client.flush()),
        ];
        await untilHangEvents(daemon.monitor, 1);
        const { code, ms } = await end(daemon, "SIGTERM");
        report(`SIGTERM during an outage: exit after ${ms.toFixed(0)} ms`);
        expect(code, daemon.process.stderr).toBe(0);
        expect(ms).toBeLessThan(BOUND);
        const codes = (await Promise.all(held)).map((request) => request.code);
        expect(codes, daemon.process.stderr).toEqual(["ESHUTDOWN", "ESHUTDOWN", "ESHUTDOWN"]);
        expect(daemon.process.stderr).toContain("3 held requests refused with ESHUTDOWN");
        expect(daemon.process.stderr).toContain("1 acknowledged write (4096 bytes) that no client flushed");
        expect(leftovers(sandbox)).toEqual([]);
      }),
    60_000,
  );

  test.concurrent(
    "with storage that is frozen: it exits with 0 in time",
    () =>
      inSandbox(async (sandbox) => {
        const { upstream, daemon } = await startOverUpstream(sandbox);
        const client = await connectClient(sandbox, daemon.socket, "r0");
        await upstream.freeze();
        const waiting = timed(client.write(4096, new Uint8Array(4096)));
        await pause(200);
        const { code, ms } = await end(daemon, "SIGINT");
        report(`SIGINT with frozen storage: exit after ${ms.toFixed(0)} ms`);
        expect(code, daemon.process.stderr).toBe(0);
        expect(ms).toBeLessThan(BOUND);
        expect((await waiting).code).not.toBe(null);
        expect(leftovers(sandbox)).toEqual([]);
      }),
    60_000,
  );

  test.concurrent(
    "an outage that is over in time: held requests succeed before the end",
    () =>
      inSandbox(async (sandbox) => {
        const { upstream, daemon } = await startOverUpstream(sandbox);
        const client = await connectClient(sandbox, daemon.socket, "r0");
        await upstream.goAway();
        const held = timed(client.write(4096, new Uint8Array(4096).fill(5)));
        await untilHangEvents(daemon.monitor, 1);
        const ended = end(daemon, "SIGTERM");
        await upstream.comeBack();
        expect((await ended).code, daemon.process.stderr).toBe(0);
        expect((await held).code).toBe(null);
        expect(readFileSync(sandbox.path("disk.img"))[4096]).toBe(5);
      }),
    60_000,
  );

  test.concurrent(
    "a second signal ends it at once, with 1",
    () =>
      inSandbox(async (sandbox) => {
        const { upstream, daemon } = await startOverUpstream(sandbox);
        const client = await connectClient(sandbox, daemon.socket, "r0");
        await upstream.freeze();
        const waiting = timed(client.write(4096, new Uint8Array(4096)));
        await pause(200);
        daemon.process.signal("SIGTERM");
        await pause(300);
        const { code, ms } = await end(daemon, "SIGTERM");
        expect(code, daemon.process.stderr).toBe(1);
        report(`second signal: exit after ${ms.toFixed(0)} ms`);
        expect(daemon.process.stderr).toContain("second signal");
        expect(existsSync(sandbox.path("daemon.pid"))).toBe(false);
        expect((await waiting).code).not.toBe(null);
      }),
    60_000,
  );
});

test(
  "in the midst of writes: what was acknowledged is in the file",
  () =>
    inSandbox(async (sandbox) => {
      const file = sandbox.file("disk.img", 4 * MIB);
      const daemon = await startDaemonProcess(sandbox, [
        "--blockdev",
        `file,node-name=disk,filename=${file}`,
        "--export",
        "nbd,id=e,node-name=disk,writable=on",
      ]);
      const client = await connectClient(sandbox, daemon.socket, "disk");
      const acknowledged: number[] = [];
      const writer = async (first: number): Promise<void> => {
        for (let block = first; block < 1024; block += 8) {
          await client.write(block * 4096, new Uint8Array(4096).fill((block % 255) + 1));
          acknowledged.push(block);
        }
      };
      const writers = Array.from({ length: 8 }, (_, i) => writer(i).catch(() => undefined));
      await pause(30);
      const { code } = await end(daemon, "SIGTERM");
      await Promise.all(writers);
      expect(code, daemon.process.stderr).toBe(0);
      expect(leftovers(sandbox)).toEqual([]);
      const data = readFileSync(file);
      const lost = acknowledged.filter((block) => data[block * 4096 + 4095] !== (block % 255) + 1);
      expect(lost).toEqual([]);
      expect(acknowledged.length).toBeGreaterThan(0);
    }),
  60_000,
);
