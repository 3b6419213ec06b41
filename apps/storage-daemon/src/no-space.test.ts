import type { BlockClient } from "@rehandle/driver-sdk";
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { startDaemonProcess } from "./testing/daemon-process.ts";
import { expectStopped, inSandbox } from "./testing/in-sandbox.ts";
import { connectClient, timed } from "./testing/nbd-client.ts";
import { mustRun, notRun } from "./testing/programs.ts";
import { clock, pause, report, until } from "./testing/time.ts";
import { Sandbox } from "./testing/sandbox.ts";

const MIB = 1024 * 1024;

/** A file system of 2 MiB with a ballast of 1 MiB and a sparse disk of 8 MiB. */
interface FullFileSystem {
  readonly disk: string;
  /** Removes the ballast. */
  readonly makeSpace: () => void;
}

async function mountSmall(sandbox: Sandbox): Promise<FullFileSystem> {
  const folder = sandbox.path("small");
  mkdirSync(folder);
  await mustRun("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", folder]);
  sandbox.atEnd(async () => void (await mustRun("umount", ["--lazy", folder])));
  const ballast = `${folder}/ballast`;
  const disk = `${folder}/disk.img`;
  writeFileSync(disk, "");
  truncateSync(disk, 8 * MIB);
  writeFileSync(ballast, Buffer.alloc(MIB, 1));
  return { disk, makeSpace: () => rmSync(ballast) };
}

function canMount(): boolean {
  const sandbox = new Sandbox();
  try {
    const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", sandbox.folder]).status === 0;
    if (mounted) spawnSync("umount", [sandbox.folder]);
    return mounted || notRun("a full file system: mount does not work here; it takes root and its capabilities");
  } finally {
    rmSync(sandbox.folder, { recursive: true, force: true });
  }
}

/** Writes MiB after MiB until one fails or does not end; the code, or null while it waits. */
async function fill(client: BlockClient): Promise<{ written: number; last: Promise<string | null> }> {
  const data = new Uint8Array(MIB / 4).fill(7);
  for (let written = 0; ; written += data.length) {
    const last = timed(client.write(written, data)).then(({ code }) => code);
    const first = await Promise.race([last.then((code) => ({ code })), pause(700).then(() => "held" as const)]);
    if (first === "held" || first.code !== null) return { written, last };
  }
}

describe.skipIf(!canMount())("a full file system", () => {
  test(
    "is reported at once as ENOSPC under the default policy",
    () =>
      inSandbox(async (sandbox) => {
        const { disk } = await mountSmall(sandbox);
        const daemon = await startDaemonProcess(sandbox, [
          "--blockdev",
          `rehandle,node-name=disk,file.driver=file,file.filename=${disk},iohang-timeout=60`,
          "--export",
          "nbd,id=e,node-name=disk,writable=on",
        ]);
        const client = await connectClient(sandbox, daemon.socket, "disk");
        const start = clock.now();
        const { written, last } = await fill(client);
        expect(await last).toBe("ENOSPC");
        report(
          `ENOSPC after ${written / 1024} KiB, reported within ${(clock.now() - start).toFixed(0)} ms of the first write`,
        );
        const events = await until("the event", () =>
          daemon.monitor.log.find(({ event }) => event === "BLOCK_IO_ERROR"),
        );
        expect(events.data).toMatchObject({ "node-name": "disk", operation: "write", action: "report" });
        expect(await daemon.monitor.execute("query-rehandle")).toMatchObject([{ status: "normal", held: 0 }]);
        await expectStopped(daemon);
      }),
    60_000,
  );

  test.each(["stop", "enospc"])(
    "is held under werror=%s until resume after space was made",
    (werror) =>
      inSandbox(async (sandbox) => {
        const { disk, makeSpace } = await mountSmall(sandbox);
        const daemon = await startDaemonProcess(sandbox, [
          "--drive",
          `file=${disk},format=raw,id=disk,werror=${werror},rerror=stop`,
          "--export",
          "nbd,id=e,node-name=disk,writable=on",
        ]);
        const { monitor } = daemon;
        const client = await connectClient(sandbox, daemon.socket, "disk");
        const { written, last } = await fill(client);
        const event = await until("the event", () => monitor.log.find((message) => message.event === "BLOCK_IO_ERROR"));
        expect(event.data).toMatchObject({ device: "disk", action: "stop", nospace: true });
        expect(await monitor.execute("query-block")).toMatchObject([{ device: "disk", "io-status": "nospace" }]);
        expect(await monitor.execute("query-rehandle")).toMatchObject([{ device: "disk", paused: true, held: 1 }]);

        makeSpace();
        await monitor.execute("rehandle-resume", { "node-name": "disk" });
        expect(await last).toBe(null);
        expect(await monitor.execute("query-block")).toMatchObject([{ "io-status": "ok" }]);
        expect((await client.read(written, 4096)).every((byte) => byte === 7)).toBe(true);
        await expectStopped(daemon);
      }),
    60_000,
  );
});
