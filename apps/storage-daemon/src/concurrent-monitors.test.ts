import { createRandom } from "@rehandle/driver-sdk";
import { existsSync, readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { startDaemonProcess } from "./testing/daemon-process.ts";
import { expectStopped, inSandbox } from "./testing/in-sandbox.ts";
import { connectMonitor, type MonitorClient } from "./testing/monitor-client.ts";
import { randomSession } from "./testing/random-session.ts";
import { until } from "./testing/time.ts";

/** Any command; it may fail. */
async function attempt(monitor: MonitorClient, name: string, args: object = {}): Promise<boolean> {
  const { execute } = monitor as { execute: (name: string, args: object) => Promise<unknown> };
  return execute.call(monitor, name, args).then(
    () => true,
    () => false,
  );
}

function descriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** Deletes everything, which must be possible whatever happened before. */
async function clearAll(monitor: MonitorClient): Promise<void> {
  await attempt(monitor, "nbd-server-stop");
  expect(await monitor.execute("query-block-exports")).toEqual([]);
  await until("all nodes to be deleted", async () => {
    const nodes = await monitor.execute("query-named-block-nodes");
    for (const node of nodes) await attempt(monitor, "blockdev-del", { "node-name": node["node-name"] });
    return nodes.length === 0;
  });
}

test.each([1, 2, 3])("four monitors that change the same things at once, seed %i", { timeout: 60_000 }, (seed) =>
  inSandbox(async (sandbox) => {
    const daemon = await startDaemonProcess(sandbox, []);
    const others = await Promise.all([1, 2, 3].map(() => connectMonitor(sandbox.path("daemon-qmp.sock"))));
    const monitors = [daemon.monitor, ...others];
    await clearAll(daemon.monitor);
    const before = descriptors(daemon.process.pid);
    let succeeded = 0;
    await Promise.all(
      monitors.map(async (monitor, index) => {
        for (const [name, args] of randomSession(createRandom(seed * 10 + index), 300)) {
          const path = { addr: { type: "unix", data: { path: sandbox.path("n.sock") } } };
          if (await attempt(monitor, name, name === "nbd-server-start" ? path : args)) succeeded += 1;
        }
      }),
    );
    expect(succeeded).toBeGreaterThan(100);
    await clearAll(daemon.monitor);
    await until("its descriptors to be as few as before", () => descriptors(daemon.process.pid) <= before);
    expect(existsSync(sandbox.path("n.sock"))).toBe(false);
    for (const monitor of others) monitor.end();
    await expectStopped(daemon);
  }),
);

test("what fails leaves no descriptor, no socket and no name behind", { timeout: 60_000 }, () =>
  inSandbox(async (sandbox) => {
    const daemon = await startDaemonProcess(sandbox, ["--blockdev", "memory,node-name=m,size=64k"]);
    const { monitor } = daemon;
    const file = sandbox.file("disk.img", 65536);
    const folder = { type: "unix", path: sandbox.path("no/such/folder") };
    const silent = { type: "unix", path: sandbox.path("daemon-qmp.sock") };
    const inner = { driver: "file", filename: file, "node-name": "inner" };
    const failures: [string, object][] = [
      ["blockdev-add", { driver: "raw", "node-name": "r", file: inner, offset: 131072 }],
      ["blockdev-add", { driver: "rehandle", "node-name": "r", file: inner, "probe-interval-max": 1 }],
      ["blockdev-add", { driver: "raw", "node-name": "m", file: inner }],
      [
        "blockdev-add",
        { driver: "raw", "node-name": "r", file: { driver: "rehandle", file: { driver: "nbd", server: silent } } },
      ],
      ["blockdev-add", { driver: "nbd", "node-name": "r", server: folder }],
      ["block-export-add", { type: "nbd", id: "e", "node-name": "m", name: "x".repeat(5000) }],
      ["block-export-add", { type: "vhost-user-blk", id: "e", "node-name": "m", addr: folder }],
      ["block-export-add", { type: "vhost-user-blk", id: "e", "node-name": "m", addr: folder, "num-queues": 0 }],
      ["object-add", { "qom-type": "tls-creds-x509", id: "t", dir: sandbox.folder }],
    ];
    const run = async (): Promise<void> => {
      for (const [name, args] of failures) expect(await attempt(monitor, name, args), name).toBe(false);
    };
    await run();
    const before = descriptors(daemon.process.pid);
    for (let round = 0; round < 20; round += 1) await run();
    await until("its descriptors to be as few as before", () => descriptors(daemon.process.pid) <= before);
    await monitor.execute("nbd-server-stop");
    const taken = { type: "unix", data: { path: folder.path } } as const;
    for (let round = 0; round < 20; round += 1) {
      await expect(monitor.execute("nbd-server-start", { addr: taken })).rejects.toThrow("Failed to bind socket");
    }
    expect(descriptors(daemon.process.pid)).toBeLessThanOrEqual(before);
    expect((await monitor.execute("query-named-block-nodes")).length).toBe(1);
    await monitor.execute("blockdev-add", {
      driver: "raw",
      "node-name": "r",
      file: { driver: "null-co", "node-name": "inner" },
    });
    await monitor.execute("blockdev-del", { "node-name": "r" });
    await monitor.execute("blockdev-del", { "node-name": "m" });
    await expectStopped(daemon);
  }),
);
