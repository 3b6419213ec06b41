import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { startDaemonProcess, type DaemonProcess } from "./testing/daemon-process.ts";
import { expectStopped, inSandbox } from "./testing/in-sandbox.ts";
import { connectMonitor, untilHangEvents } from "./testing/monitor-client.ts";
import { connectClient, timed } from "./testing/nbd-client.ts";
import { havePrograms } from "./testing/programs.ts";
import type { Sandbox } from "./testing/sandbox.ts";
import { clock, until } from "./testing/time.ts";
import { Upstream } from "./testing/upstream.ts";

const MIB = 1024 * 1024;
const BLOCK = 4096;

const filled = (value: number): Uint8Array => new Uint8Array(BLOCK).fill(value);

/** A daemon whose node `disk` is a rehandle node over a server; nothing of it is on the command line. */
async function startOver(sandbox: Sandbox, upstream: Upstream): Promise<DaemonProcess> {
  const daemon = await startDaemonProcess(sandbox, []);
  const { monitor } = daemon;
  const server = { type: "unix", path: upstream.socket } as const;
  // The delay is not for a node whose requests are held, which it is not yet.
  await monitor.execute("blockdev-add", { driver: "nbd", "node-name": "up", server, "reconnect-delay": 300 });
  await monitor.execute("blockdev-add", { driver: "rehandle", "node-name": "disk", file: "up" });
  await monitor.execute("block-export-add", { type: "nbd", id: "e", "node-name": "disk", writable: true });
  return daemon;
}

/** Deletes the export and waits until it is gone. */
async function endExport({ monitor }: DaemonProcess, id: string): Promise<void> {
  await monitor.execute("block-export-del", { id, mode: "hard" });
  await until("the export to be gone", () =>
    monitor.log.some((message) => message.event === "BLOCK_EXPORT_DELETED" && message.data.id === id),
  );
}

describe.skipIf(!havePrograms("nbdkit"))("while storage is away", { timeout: 60_000 }, () => {
  test("nodes and exports come and go, and a node that waits for its server keeps only its own monitor waiting", () =>
    inSandbox(async (sandbox) => {
      const upstream = await Upstream.start(sandbox, "nbdkit", sandbox.file("disk.img", MIB));
      const daemon = await startOver(sandbox, upstream);
      const { monitor } = daemon;
      const client = await connectClient(sandbox, daemon.socket, "disk");
      await client.write(0, filled(1));
      await upstream.freeze();
      const held = timed(client.write(BLOCK, filled(2)));
      await until("the write to be on its way", async () => {
        const [statistics] = await monitor.execute("query-rehandle-statistics");
        return statistics?.["in-flight-now"] === 1;
      });
      await upstream.goAway();
      await untilHangEvents(monitor, 1);
      await until("the write to be held", async () => (await monitor.execute("query-rehandle"))[0]?.held === 1, 10_000);

      const other = await connectMonitor(sandbox.path("daemon-qmp.sock"));
      const server = { type: "unix", path: upstream.socket } as const;
      await expect(other.execute("blockdev-add", { driver: "nbd", "node-name": "late", server })).rejects.toThrow(
        /^Failed to connect to '.*': (?:No such file or directory|Connection refused)$/,
      );
      let isThere = false;
      const late = other
        .execute("blockdev-add", { driver: "nbd", "node-name": "late", server, "open-timeout": 60 })
        .then(() => (isThere = true));

      await monitor.execute("blockdev-add", { driver: "memory", "node-name": "m", size: MIB });
      await monitor.execute("block-export-add", { type: "nbd", id: "m", "node-name": "m", writable: true });
      const beside = await connectClient(sandbox, daemon.socket, "m");
      await beside.write(0, filled(3));
      expect(await beside.read(0, BLOCK)).toEqual(filled(3));
      await endExport(daemon, "m");
      await monitor.execute("blockdev-del", { "node-name": "m" });
      // Its name is taken, and nobody else can use it yet.
      await expect(monitor.execute("blockdev-add", { driver: "null-co", "node-name": "late" })).rejects.toThrow(
        "Duplicate nodes with node-name='late'",
      );
      await expect(monitor.execute("blockdev-del", { "node-name": "late" })).rejects.toThrow(
        "Failed to find node with node-name='late'",
      );
      await expect(monitor.execute("blockdev-del", { "node-name": "disk" })).rejects.toThrow("Node disk is in use");
      await expect(monitor.execute("blockdev-del", { "node-name": "up" })).rejects.toThrow("Block device up is in use");
      await expect(monitor.execute("block-export-del", { id: "e" })).rejects.toThrow("export 'e' still in use");
      expect(isThere).toBe(false);

      await upstream.comeBack();
      expect((await held).code).toBe(null);
      await late;
      expect(await client.read(0, BLOCK)).toEqual(filled(1));
      await monitor.execute("blockdev-del", { "node-name": "late" });
      other.end();
      await expectStopped(daemon);
    }));

  test("a node that keeps acknowledged writes is not deleted before they are on the storage", () =>
    inSandbox(async (sandbox) => {
      const file = sandbox.file("disk.img", MIB);
      // What it has not flushed is lost with it.
      const upstream = await Upstream.start(sandbox, "nbdkit", file, ["--filter=cache"]);
      const daemon = await startOver(sandbox, upstream);
      const { monitor } = daemon;
      const client = await connectClient(sandbox, daemon.socket, "disk");
      for (let block = 0; block < 3; block += 1) await client.write(block * BLOCK, filled(block + 1));
      await upstream.goAway();
      const held = timed(client.write(3 * BLOCK, filled(4)));
      await untilHangEvents(monitor, 1);
      await endExport(daemon, "e");
      expect((await held).code).not.toBe(null);

      const refusal = "Node disk is in use: acknowledged writes are not on its storage yet: 3 (12288 bytes)";
      await expect(monitor.execute("blockdev-del", { "node-name": "disk" })).rejects.toThrow(refusal);
      expect((await monitor.execute("query-rehandle")).length).toBe(1);
      await upstream.comeBack();
      await until("the node to be deleted", () =>
        monitor.execute("blockdev-del", { "node-name": "disk" }).then(
          () => true,
          () => false,
        ),
      );
      expect(await monitor.execute("query-rehandle")).toEqual([]);
      await monitor.execute("blockdev-del", { "node-name": "up" });
      const data = readFileSync(file);
      for (let block = 0; block < 3; block += 1) {
        expect(new Uint8Array(data.subarray(block * BLOCK, (block + 1) * BLOCK))).toEqual(filled(block + 1));
      }
      await expectStopped(daemon);
    }));

  test("nothing waits for storage that is frozen; who gives acknowledged writes up is told how many", () =>
    inSandbox(async (sandbox) => {
      const upstream = await Upstream.start(sandbox, "nbdkit", sandbox.file("disk.img", MIB));
      const daemon = await startOver(sandbox, upstream);
      const { monitor } = daemon;
      const client = await connectClient(sandbox, daemon.socket, "disk");
      await client.write(0, filled(1));
      await upstream.freeze();
      const begin = clock.now();
      const stuck = timed(client.write(BLOCK, filled(2)));
      await monitor.execute("nbd-server-stop");
      expect((await stuck).code).not.toBe(null);
      await expect(monitor.execute("blockdev-del", { "node-name": "disk" })).rejects.toThrow(
        "Node disk is in use: acknowledged writes are not on its storage yet: 1 (4096 bytes)",
      );
      expect(await monitor.execute("rehandle-del", { "node-name": "disk" })).toEqual({
        unflushed: 1,
        "unflushed-bytes": BLOCK,
      });
      await monitor.execute("blockdev-del", { "node-name": "up" });
      expect(clock.now() - begin).toBeLessThan(30_000);
      expect(await monitor.execute("query-named-block-nodes")).toEqual([]);
      upstream.thaw();
      await expectStopped(daemon);
    }));

  test("the daemon ends although a node waits for its server", () =>
    inSandbox(async (sandbox) => {
      const daemon = await startDaemonProcess(sandbox, []);
      const server = { type: "unix", path: sandbox.path("nothing.sock") } as const;
      const node = { driver: "nbd", server, "open-timeout": 600 } as const;
      const waiting = daemon.monitor
        .execute("blockdev-add", { driver: "rehandle", "node-name": "disk", file: node })
        .catch((error: unknown) => String(error));
      const other = await connectMonitor(sandbox.path("daemon-qmp.sock"));
      await other.execute("quit");
      expect(await waiting).not.toBe(undefined);
      expect(await daemon.process.ended, daemon.process.stderr).toBe(0);
    }));
});
