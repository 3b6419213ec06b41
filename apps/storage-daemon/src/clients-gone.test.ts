import {
  encodeClientFlags,
  encodeOption,
  NBD_CMD_READ,
  NBD_CMD_WRITE,
  NBD_OPT_EXPORT_NAME,
  writeRequestHeader,
} from "@rehandle/nbd/protocol";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { startDaemonProcess } from "./testing/daemon-process.ts";
import { expectStopped, inSandbox } from "./testing/in-sandbox.ts";
import { untilHangEvents } from "./testing/monitor-client.ts";
import { connectClient, timed } from "./testing/nbd-client.ts";
import { havePrograms } from "./testing/programs.ts";
import { until } from "./testing/time.ts";
import { Upstream } from "./testing/upstream.ts";

const MIB = 1024 * 1024;
const LENGTH = 65_536;

/** A client that reads and writes whole MiBs without waiting for anything. */
async function rush(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined).resume();
  await once(socket, "connect");
  socket.write(encodeClientFlags(3));
  socket.write(encodeOption(NBD_OPT_EXPORT_NAME, Buffer.from("a")));
  for (let n = 0; n < 32; n += 1) {
    const header = Buffer.alloc(28);
    writeRequestHeader(header, 0, 0, n % 2 === 0 ? NBD_CMD_READ : NBD_CMD_WRITE, 0, n, (1 + (n % 15)) * LENGTH, LENGTH);
    socket.write(header);
    if (n % 2 === 1) socket.write(Buffer.alloc(LENGTH, 9));
  }
  return socket;
}

describe.skipIf(!havePrograms("nbdkit"))("clients that are gone", () => {
  test(
    "leave nothing held behind, however many of them come in an outage",
    () =>
      inSandbox(async (sandbox) => {
        const upstream = await Upstream.start(sandbox, "nbdkit", sandbox.file("a.img", MIB));
        const daemon = await startDaemonProcess(sandbox, [
          "--blockdev",
          `nbd,node-name=up,server.type=unix,server.path=${upstream.socket}`,
          "--blockdev",
          "rehandle,node-name=a,file=up",
          "--nbd-server",
          "addr.type=inet,addr.host=127.0.0.1,addr.port=0",
          "--export",
          "nbd,id=e,node-name=a,writable=on",
        ]);
        const { monitor, process } = daemon;
        const port = Number(
          await until("the port", () => /listening on 127\.0\.0\.1 port (\d+)/.exec(process.stderr)?.[1]),
        );
        const heldNow = async (): Promise<number> =>
          Number((await monitor.execute("query-rehandle-statistics"))[0]?.["held-now"]);
        const client = await connectClient(sandbox, port, "a");
        await upstream.goAway();
        const held = timed(client.write(0, new Uint8Array(512).fill(1)));
        await untilHangEvents(monitor, 1);
        for (let round = 0; round < 20; round += 1) {
          const rushing = await rush(port);
          await until("its requests to be held", async () => (await heldNow()) === 33);
          rushing.resetAndDestroy();
          await until("them to be gone", async () => (await heldNow()) === 1);
        }
        await upstream.comeBack();
        expect((await held).code).toBe(null);
        // Nobody saw an error, and nothing of a client that is gone was written.
        expect((await monitor.execute("query-rehandle-statistics"))[0]).toMatchObject({ failed: 0, congested: false });
        const data = await client.read(0, MIB);
        expect([data[0], data[511], data.subarray(512).some((byte) => byte !== 0)]).toEqual([1, 1, false]);
        await expectStopped(daemon);
      }),
    60_000,
  );
});
