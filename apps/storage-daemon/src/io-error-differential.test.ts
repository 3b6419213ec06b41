import { createBlockBackend, type ErrorAction } from "@rehandle/core";
import { BlockError, createBlockClient, defineDriver } from "@rehandle/driver-sdk";
import type { EventDataOf, RehandleSchema } from "@rehandle/qapi";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { constants } from "node:os";
import { createInterface } from "node:readline";
import { describe, expect, test } from "vitest";
import { BackendWatch } from "./lib/backend-watch.ts";
import { createLog } from "./lib/log.ts";
import { inSandbox } from "./testing/in-sandbox.ts";
import { havePrograms } from "./testing/programs.ts";
import type { Sandbox } from "./testing/sandbox.ts";
import { clock } from "./testing/time.ts";

type IoError = EventDataOf<RehandleSchema, "BLOCK_IO_ERROR">;

/** A request that fails, and what is to be done about it. */
interface Failure {
  readonly operation: "read" | "write";
  readonly errno: keyof typeof constants.errno;
  readonly rerror: "report" | "ignore" | "stop";
  readonly werror: ErrorAction;
}

const SECTOR = 512;

/** A first sector for a BIOS that writes itself to the second. */
function writingSector(): Buffer {
  const sector = Buffer.alloc(SECTOR);
  const code = [
    [0x31, 0xc0], // xor ax, ax
    [0x8e, 0xc0], // mov es, ax
    [0xb8, 0x01, 0x03], // mov ax, 0301h: write one sector; dl is still the disk
    [0xbb, 0x00, 0x7c], // mov bx, 7c00h
    [0xb9, 0x02, 0x00], // mov cx, 2
    [0xb6, 0x00], // mov dh, 0
    [0xcd, 0x13], // int 13h
    [0xf4], // hlt
    [0xeb, 0xfd], // jmp to it
  ];
  Buffer.from(code.flat()).copy(sector);
  sector.writeUInt16LE(0xaa55, SECTOR - 2);
  return sector;
}

/** The first event of a guest that boots from a disk whose requests fail. */
async function theirs(sandbox: Sandbox, device: string, failure: Failure): Promise<unknown> {
  const { operation, errno, rerror, werror } = failure;
  const filename = sandbox.path("boot.img");
  writeFileSync(filename, Buffer.concat([writingSector(), Buffer.alloc(2 ** 20 - SECTOR)]));
  const rule = { event: "none", iotype: operation, errno: constants.errno[errno] };
  const disk = { driver: "blkdebug", "node-name": "n", image: { driver: "file", filename }, "inject-error": [rule] };
  const machine = ["-machine", "pc", "-accel", "tcg", "-m", "16", "-display", "none", "-nodefaults", "-qmp", "stdio"];
  const drive = `${device},drive=n,id=d,rerror=${rerror},werror=${werror},bootindex=0`;
  const args = [...machine, "-S", "-blockdev", JSON.stringify(disk), "-device", drive];
  const child = spawn("qemu-system-x86_64", args, { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(child, "exit");
  try {
    child.stdin.write('{"execute":"qmp_capabilities"}{"execute":"cont"}');
    for await (const line of createInterface(child.stdout)) {
      const message = JSON.parse(line) as { event?: string; data?: unknown };
      if (message.event === "BLOCK_IO_ERROR") return message.data;
    }
    return null;
  } finally {
    child.kill("SIGKILL");
    // Until it is gone, the image is locked for the next one.
    await ended;
  }
}

/** What we say when a driver fails in the same way. */
async function ours({ operation, errno, rerror, werror }: Failure): Promise<IoError[]> {
  const fail = (): Promise<never> => Promise.reject(new BlockError("the words of a driver", { code: errno }));
  const driver = defineDriver({ name: "failing", open: () => ({ size: 2 ** 20 }), read: fail, write: fail });
  const policy = { iohangTimeout: 0, read: { action: rerror }, write: { action: werror } };
  const backend = createBlockBackend(driver, policy);
  const events: IoError[] = [];
  const emit = (_event: string, data: unknown): void => void events.push(data as IoError);
  const watch = new BackendWatch({ name: "n", device: "", backend, clock, log: createLog(clock, () => {}), emit });
  await watch.backend.open({ clock, random: Math.random, onEvent: () => {}, held: false });
  const client = createBlockClient(backend);
  const data = new Uint8Array(SECTOR);
  const done = operation === "read" ? client.read(0, SECTOR) : client.write(0, data);
  done.catch(() => undefined);
  while (events.length === 0) await new Promise((resolve) => setImmediate(resolve));
  await backend.close();
  return events;
}

describe.runIf(havePrograms("qemu-system-x86_64"))("BLOCK_IO_ERROR, compared with a guest's disk on QEMU", () => {
  const policies = (["report", "ignore", "stop"] as const).flatMap((rerror) =>
    (["report", "ignore", "enospc", "stop"] as const).map((werror) => ({ rerror, werror })),
  );
  const errnos = ["EIO", "ENOSPC", "EPERM", "EACCES", "EROFS", "ETIMEDOUT", "ENOTSUP", "EDQUOT", "ENODEV", "ESTALE"];
  const failures = [
    ...policies.flatMap((policy) => [
      { ...policy, operation: "read" as const, errno: "EIO" },
      { ...policy, operation: "write" as const, errno: "EIO" },
      { ...policy, operation: "write" as const, errno: "ENOSPC" },
    ]),
    ...errnos.map((errno) => ({
      rerror: "report" as const,
      werror: "report" as const,
      operation: "read" as const,
      errno,
    })),
  ] as Failure[];

  test.each(["virtio-blk", "ide-hd"])("%s", { timeout: 120_000 }, (device) =>
    inSandbox(async (sandbox) => {
      for (const failure of failures) {
        const expected = await theirs(sandbox, device, failure);
        expect({ failure, events: await ours(failure) }).toEqual({ failure, events: [expected] });
      }
    }),
  );
});
