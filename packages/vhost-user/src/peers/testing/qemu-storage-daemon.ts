import { runQmpCommand } from "./qmp.ts";
import { startBackEnd, type BackEnd, type BackEndOptions } from "./back-end.ts";

/** QEMU's own back end, over a file. */
export function startQemuStorageDaemon(options: BackEndOptions = {}): Promise<BackEnd> {
  return startBackEnd(
    options,
    ({ disk, socket, control }, { numQueues, writable }) => ({
      program: "qemu-storage-daemon",
      args: [
        `--chardev=socket,id=m,path=${control},server=on,wait=off`,
        "--monitor=chardev=m",
        `--blockdev=driver=file,node-name=disk,filename=${disk},discard=unmap`,
        `--export=type=vhost-user-blk,id=e,node-name=disk,addr.type=unix,addr.path=${socket},` +
          `writable=${writable ? "on" : "off"},num-queues=${numQueues}`,
      ],
    }),
    async ({ control }, size) => {
      await runQmpCommand(control, "block_resize", { "node-name": "disk", size });
    },
  );
}
