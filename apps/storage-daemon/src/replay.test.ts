import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { startDaemonProcess } from "./testing/daemon-process.ts";
import { expectStopped, inSandbox } from "./testing/in-sandbox.ts";
import { untilHangEvents } from "./testing/monitor-client.ts";
import { connectClient, timed } from "./testing/nbd-client.ts";
import { havePrograms } from "./testing/programs.ts";
import { report } from "./testing/time.ts";
import { Upstream } from "./testing/upstream.ts";

const BLOCK = 4096;
const BLOCKS = 200;

describe.skipIf(!havePrograms("nbdkit"))("an upstream with a write cache, which dies with it", () => {
  test.each([
    ["on", "what was acknowledged is written again before the flush succeeds", 0],
    ["off", "the flush succeeds although what it covers is lost, as elsewhere", BLOCKS],
  ])(
    "replay-log=%s: %s",
    (replayLog, _text, expectedLost) =>
      inSandbox(async (sandbox) => {
        const file = sandbox.file("disk.img", 1024 * 1024);
        const upstream = await Upstream.start(sandbox, "nbdkit", file, ["--filter=cache"]);
        const daemon = await startDaemonProcess(sandbox, [
          "--blockdev",
          `nbd,node-name=up,server.type=unix,server.path=${upstream.socket}`,
          "--blockdev",
          `rehandle,node-name=r,file=up,replay-log=${replayLog}`,
          "--export",
          "nbd,id=e,node-name=r,writable=on",
        ]);
        const client = await connectClient(sandbox, daemon.socket, "r");
        for (let block = 0; block < BLOCKS; block += 1) {
          await client.write(block * BLOCK, new Uint8Array(BLOCK).fill(block + 1));
        }
        await upstream.goAway();
        expect(lostBlocks(file)).toBe(BLOCKS);
        const flush = timed(client.flush());
        await untilHangEvents(daemon.monitor, 1);
        await upstream.comeBack();
        expect((await flush).code).toBe(null);
        const lost = lostBlocks(file);
        report(`replay-log=${replayLog}: ${lost} of ${BLOCKS} acknowledged and flushed writes are lost`);
        expect(lost).toBe(expectedLost);
        await expectStopped(daemon);
      }),
    60_000,
  );
});

/** Blocks of the file that are not as they were written. */
function lostBlocks(file: string): number {
  const data = readFileSync(file);
  return Array.from({ length: BLOCKS }, (_, block) => block).filter((block) => {
    return data.subarray(block * BLOCK, (block + 1) * BLOCK).some((byte) => byte !== block + 1);
  }).length;
}
