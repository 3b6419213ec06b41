import { createBlockClient, createRandom, type BlockClient, type DriverEvent } from "@rehandle/driver-sdk";
import { createVhostUserDriver } from "@rehandle/vhost-user";
import { describe, expect, test } from "vitest";
import { DAEMON_COMMAND, startDaemonProcess } from "./testing/daemon-process.ts";
import { expectStopped, inSandbox } from "./testing/in-sandbox.ts";
import { untilHangEvents } from "./testing/monitor-client.ts";
import { timed } from "./testing/nbd-client.ts";
import { havePrograms, runProgram } from "./testing/programs.ts";
import type { Sandbox } from "./testing/sandbox.ts";
import { clock, pause, until } from "./testing/time.ts";
import { Upstream } from "./testing/upstream.ts";

const MIB = 1024 * 1024;

/** A guest's driver without a guest: it connects again by itself, with the requests that were not answered. */
async function connectGuest(
  sandbox: Sandbox,
  path: string,
): Promise<{ client: BlockClient; events: DriverEvent[]; size: () => number }> {
  const driver = createVhostUserDriver({ path });
  const events: DriverEvent[] = [];
  await driver.open({ clock, random: createRandom(1), held: false, onEvent: (event) => events.push(event) });
  sandbox.atEnd(() => driver.close());
  return { client: createBlockClient(driver), events, size: () => driver.capabilities.size };
}

const exportOf = (path: string, more = ""): string =>
  `vhost-user-blk,id=guest,node-name=disk,addr.type=unix,addr.path=${path}${more}`;

test("a guest's disk beside an NBD export of the same node", () =>
  inSandbox(async (sandbox) => {
    const path = sandbox.path("guest.sock");
    const daemon = await startDaemonProcess(sandbox, [
      "--blockdev",
      `rehandle,node-name=disk,file.driver=file,file.filename=${sandbox.file("disk.img", MIB)}`,
      "--export",
      exportOf(path, ",writable=on,num-queues=2"),
      "--export",
      "nbd,id=e,node-name=disk",
      "--export",
      `vhost-user-blk,id=ro,node-name=disk,addr.type=unix,addr.path=${sandbox.path("ro.sock")}`,
    ]);
    const { monitor } = daemon;
    expect(await monitor.execute("query-block-exports")).toMatchObject([
      { id: "ro", type: "vhost-user-blk" },
      { id: "e", type: "nbd" },
      { id: "guest", type: "vhost-user-blk", "node-name": "disk", "shutting-down": false },
    ]);
    const guest = await connectGuest(sandbox, path);
    const data = new Uint8Array(8192).map((_, at) => at % 251);
    await guest.client.write(4096, data);
    await guest.client.flush();
    const other = await connectGuest(sandbox, sandbox.path("ro.sock"));
    expect(await other.client.read(4096, 8192)).toEqual(data);
    expect((await timed(other.client.write(0, new Uint8Array(512)))).code).toBe("EROFS");

    await monitor.execute("block_resize", { "node-name": "disk", size: 2 * MIB });
    await until("the new size", () => guest.size() === 2 * MIB && other.size() === 2 * MIB);
    await guest.client.write(2 * MIB - 512, data.subarray(0, 512));
    await expect(monitor.execute("block_resize", { "node-name": "disk", size: -1 })).rejects.toThrow(
      "Parameter 'size' expects a >0 size",
    );
    await expectStopped(daemon);
  }));

describe.skipIf(!havePrograms("nbdkit"))("while the storage is away", () => {
  for (const how of ["SIGTERM", "SIGKILL"] as const) {
    test(
      `a daemon that ends by ${how} fails none of its guest's requests`,
      () =>
        inSandbox(async (sandbox) => {
          const upstream = await Upstream.start(sandbox, "nbdkit", sandbox.file("disk.img", MIB));
          const path = sandbox.path("guest.sock");
          const options = [
            "--blockdev",
            `nbd,node-name=up,server.type=unix,server.path=${upstream.socket},open-timeout=60`,
            "--blockdev",
            "rehandle,node-name=disk,file=up",
            "--export",
            exportOf(path, ",writable=on"),
          ];
          const first = await startDaemonProcess(sandbox, options);
          const guest = await connectGuest(sandbox, path);
          await guest.client.write(0, new Uint8Array(512).fill(1));
          await upstream.goAway();
          const writes = [3, 4, 5].map((block) =>
            timed(guest.client.write(block * 4096, new Uint8Array(4096).fill(block))),
          );
          await untilHangEvents(first.monitor, 1);
          first.monitor.end();
          first.process.signal(how);
          const start = clock.now();
          expect(await first.process.ended).toBe(how === "SIGTERM" ? 0 : "SIGKILL");
          expect(clock.now() - start).toBeLessThan(5000);
          // Nobody answered them. A guest's QEMU keeps them; this driver says that their connection is gone.
          const lost = (await Promise.all(writes)).map(({ code }) => code);
          expect(lost).toEqual(["ECONNRESET", "ECONNRESET", "ECONNRESET"]);
          await upstream.comeBack();
          const second = await startDaemonProcess(sandbox, options, "second");
          await until("the guest to be back", () => guest.events.some(({ type }) => type === "connected"));
          expect((await guest.client.read(0, 512)).every((byte) => byte === 1)).toBe(true);
          await expectStopped(second);
        }),
      60_000,
    );
  }
});

describe.skipIf(!havePrograms("qemu-storage-daemon"))("what is wrong is said in QEMU's words", () => {
  const wrong = [
    "",
    ",addr.type=unix,addr.path=SOCKET,num-queues=0",
    ",addr.type=unix,addr.path=SOCKET,num-queues=65536",
    ",addr.type=unix,addr.path=SOCKET,logical-block-size=100",
    ",addr.type=unix,addr.path=SOCKET,logical-block-size=768",
    ",addr.type=unix,addr.path=SOCKET,logical-block-size=4M",
    ",addr.type=unix,addr.path=SOCKET,name=x",
    ",addr.type=unix,addr.path=/nowhere/at/all",
    ",addr.type=inet,addr.host=localhost,addr.port=1",
    ",addr.type=fd,addr.str=999",
  ];
  test.for(wrong)("%s", (more) =>
    inSandbox(async (sandbox) => {
      const args = [
        "--blockdev",
        `file,node-name=disk,filename=${sandbox.file("disk.img", MIB)}`,
        "--export",
        `vhost-user-blk,id=guest,node-name=disk${more.replace("SOCKET", sandbox.path("guest.sock"))}`,
      ];
      const [ours, qemu] = await Promise.all([
        runProgram(process.execPath, [...DAEMON_COMMAND, ...args], { deadline: 20_000 }),
        runProgram("qemu-storage-daemon", args, { deadline: 20_000 }),
      ]);
      const words = (text: string): string => text.replace(/^[^:]*: /, "");
      expect(words(ours.stderr)).toBe(words(qemu.stderr));
      expect(ours.code).toBe(qemu.code);
    }),
  );
});

test("a daemon that nobody talks to stays", () =>
  inSandbox(async (sandbox) => {
    const idle = sandbox.start(process.execPath, [...DAEMON_COMMAND, "--chardev", "stdio,id=c", "--monitor", "c"]);
    await until("the start", () => idle.stderr.includes("ready"));
    await pause(300);
    expect(idle.isOver, idle.stderr).toBe(false);
    idle.signal("SIGTERM");
    expect(await idle.ended).toBe(0);
  }));
