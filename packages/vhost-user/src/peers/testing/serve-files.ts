/**
 * This project's back end in a process of its own: disks, each a file below a BlockBackend or a piece of memory, on sockets.
 * It is told what to do by lines of JSON on stdin (see `HostCommand`), answers each with a line, and ends when stdin ends.
 */
import { createInterface } from "node:readline";
import { createBlockBackend } from "@rehandle/core";
import { createFileDriver } from "@rehandle/driver-file";
import { createMemoryDriver } from "@rehandle/driver-memory";
import { createSystemClock, type BlockDriver, type DriverEvent } from "@rehandle/driver-sdk";
import { createVhostUserServer, type VhostUserServer } from "../../lib/vhost-user-server.ts";

/** What can be asked of this program. */
export type HostCommand =
  /** `disk` null: 1 MiB of memory. */
  | {
      readonly run: "serve";
      readonly socket: string;
      readonly disk: string | null;
      readonly numQueues: number;
      readonly writable: boolean;
    }
  | { readonly run: "resize"; readonly socket: string; readonly size: number }
  | { readonly run: "close"; readonly socket: string };

const clock = createSystemClock();
const served = new Map<string, { readonly driver: BlockDriver; readonly server: VhostUserServer }>();

async function run(command: HostCommand): Promise<void> {
  const { socket } = command;
  if (command.run === "serve") return serve(command);
  const { driver, server } = served.get(socket)!;
  if (command.run === "resize") return driver.resize!(command.size);
  served.delete(socket);
  await server.close();
  return driver.close();
}

async function serve({ socket, disk, numQueues, writable }: HostCommand & { readonly run: "serve" }): Promise<void> {
  const driver =
    disk === null
      ? createMemoryDriver({ size: 1 << 20 })
      : createBlockBackend(createFileDriver({ filename: disk, discard: "unmap", readOnly: !writable }));
  const onEvent = (event: DriverEvent): void => {
    if (event.type === "resized") server.notifyResized();
  };
  await driver.open({ clock, random: Math.random, onEvent, held: false });
  const server = createVhostUserServer({ driver, clock, path: socket, writable, serial: "rehandle-peer", numQueues });
  await server.listen();
  served.set(socket, { driver, server });
}

for await (const line of createInterface({ input: process.stdin })) {
  try {
    await run(JSON.parse(line) as HostCommand);
    process.stdout.write("done\n");
  } catch (error) {
    process.stdout.write(`${String(error)}\n`);
  }
}
process.exit(0);
