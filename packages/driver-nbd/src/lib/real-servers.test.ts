import { writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRandom, type BlockRequest } from "@rehandle/driver-sdk";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openDriver, pause, systemClock, until, type OpenedDriver } from "../testing/opened-driver.ts";
import { havePrograms, Workplace, type Peer } from "../testing/peers.ts";

const MiB = 1 << 20;
let workplace: Workplace;
let opened: OpenedDriver | null;

beforeEach(() => {
  workplace = new Workplace();
  opened = null;
});

afterEach(async () => {
  await opened?.driver.close();
  await workplace.remove();
});

const types = (): string[] => opened!.events.map(({ type }) => type);

async function open(connections = 1): Promise<OpenedDriver> {
  opened = await openDriver({ server: { type: "unix", path: workplace.path("nbd.sock") }, connections });
  return opened;
}

function disk(size: number): string {
  const path = workplace.path("disk.raw");
  writeFileSync(path, new Uint8Array(size));
  return path;
}

function fill(length: number, seed: number): Uint8Array {
  const random = createRandom(seed);
  return Uint8Array.from({ length }, () => random() * 256);
}

const servers = {
  nbdkit: (path: string): Promise<Peer> => workplace.nbdkit(["file", path]),
  "qemu-nbd": (path: string): Promise<Peer> => workplace.qemuNbd(["-e", "8", "-f", "raw", path]),
} as const;

describe.for(["nbdkit", "qemu-nbd"] as const)("%s", (program) => {
  const able = havePrograms(program);

  test.skipIf(!able)("every operation", async () => {
    await servers[program](disk(16 * MiB));
    const { client, driver } = await open(4);
    expect(driver.capabilities).toMatchObject({ size: 16 * MiB, flush: true, fua: true, blockStatus: true });
    const small = fill(4096, 1);
    const large = fill(3 * MiB, 2);
    await Promise.all([client.write(0, small), client.write(MiB, large), client.write(8 * MiB, small, { fua: true })]);
    await client.flush();
    expect(Buffer.compare(await client.read(0, 4096), small)).toBe(0);
    expect(Buffer.compare(await client.read(MiB, 3 * MiB), large)).toBe(0);
    const file = await readFile(workplace.path("disk.raw"));
    expect(Buffer.compare(file.subarray(MiB, 4 * MiB), large)).toBe(0);
    await client.writeZeroes(MiB, MiB, { mayUnmap: true });
    await client.discard(8 * MiB, MiB);
    expect((await client.read(MiB, MiB)).every((byte) => byte === 0)).toBe(true);
    const extents = await client.blockStatus(0, 16 * MiB);
    expect(extents.reduce((sum, { length }) => sum + length, 0)).toBe(16 * MiB);
    expect(extents.some(({ hole }) => hole)).toBe(true);
    await expect(client.read(16 * MiB, 1)).rejects.toMatchObject({ code: "EINVAL" });
  });

  test.skipIf(!able)("many small requests at once, each with its own data", async () => {
    await servers[program](disk(4 * MiB));
    const { submit } = await open(2);
    const writes = Array.from({ length: 1024 }, (_, at) =>
      submit({ operation: "write", offset: at * 4096, length: 4096, iov: [new Uint8Array(4096).fill(at)] }),
    );
    for (const { done } of writes) expect(await done).toBeNull();
    const reads = Array.from({ length: 1024 }, (_, at) =>
      submit({ operation: "read", offset: at * 4096, length: 4096, iov: [new Uint8Array(1000), new Uint8Array(3096)] }),
    );
    for (const [at, { done, request }] of reads.entries()) {
      expect(await done).toBeNull();
      expect(request.iov.every((part) => part.every((byte) => byte === (at & 255)))).toBe(true);
    }
  });

  test.skipIf(!able)("killed and started again", async () => {
    const path = disk(4 * MiB);
    let peer = await servers[program](path);
    const { client, submit } = await open(2);
    for (let round = 0; round < 3; round += 1) {
      const data = fill(4096, round);
      await client.write(round * 4096, data);
      const inFlight = Array.from({ length: 64 }, (_, at) => submit(random(at)));
      await peer.kill();
      const codes = await Promise.all(inFlight.map(async ({ done }) => (await done)?.errorClass ?? "ok"));
      expect(codes.filter((errorClass) => errorClass !== "ok" && errorClass !== "transport")).toEqual([]);
      await until("the loss is noticed", () => types().length === 2 * round + 1);
      expect((await submit(random(0)).done)?.errorClass).toBe("transport");
      peer = await servers[program](path);
      const accepting = systemClock.now();
      await until("it is back", () => types().length === 2 * round + 2);
      expect(systemClock.now() - accepting).toBeLessThan(5000);
      expect(Buffer.compare(await client.read(round * 4096, 4096), data)).toBe(0);
    }
    expect(opened!.events.at(-1)).toMatchObject({ type: "connected", generation: 4 });
  });

  test.skipIf(!able)(
    "frozen: abandoned writes land late, and are answered before anything that follows them",
    async () => {
      const path = disk(4 * MiB);
      const peer = await servers[program](path);
      const { client, submit, driver } = await open();
      await client.write(0, fill(4096, 9));
      peer.signal("SIGSTOP");
      await pause(20);
      const late = Array.from({ length: 32 }, (_, at) =>
        submit({ operation: "write", offset: at * 4096, length: 4096, iov: [new Uint8Array(4096).fill(0x11)] }),
      );
      await pause(20);
      for (const { request } of late) {
        expect(driver.abandon!(request)).toBe(true);
        // The buffers are the submitter's again: what it does with them must not reach the disk.
        request.iov[0]!.fill(0xee);
      }
      expect(types()).toEqual(["disconnected"]);
      await pause(100);
      expect(late.every(({ completions }) => completions === 0)).toBe(true);
      peer.signal("SIGCONT");
      const results = await Promise.all(late.map(({ done }) => done));
      // Every one of them has landed by now, whether the answer counts or came too late for that.
      for (const error of results) expect([undefined, "ESTALE"]).toContain(error?.code);
      const file = await readFile(path);
      expect(file.subarray(0, 32 * 4096).every((byte) => byte === 0x11)).toBe(true);
      await until("it is back", () => types().at(-1) === "connected");
      await Promise.all(late.map((_, at) => client.write(at * 4096, new Uint8Array(4096).fill(0x22))));
      await client.flush();
      const after = await readFile(path);
      expect(after.subarray(0, 32 * 4096).every((byte) => byte === 0x22)).toBe(true);
    },
  );

  test.skipIf(!able)("smaller, then read-only, then as it was", async () => {
    const path = disk(4 * MiB);
    const data = fill(4096, 3);
    let peer = await servers[program](path);
    const { client, submit } = await open();
    await client.write(0, data);
    await client.flush();
    await peer.kill();
    const small = workplace.path("small.raw");
    writeFileSync(small, new Uint8Array(2 * MiB));
    peer = await servers[program](small);
    await until("it is refused", () => types().at(-1) === "refused");
    expect((opened!.events.at(-1) as { error: Error }).error.message).toMatch(
      /smaller: 2097152 bytes instead of 4194304/,
    );
    expect(await submit(random(0)).done).toMatchObject({ errorClass: "transport" });
    await peer.kill();
    peer = program === "nbdkit" ? await workplace.nbdkit(["-r", "file", path]) : await workplace.qemuNbd(["-r", path]);
    await until("it is refused again", () => types().filter((type) => type === "refused").length === 2);
    expect((opened!.events.at(-1) as { error: Error }).error.message).toMatch(/read-only/);
    await peer.kill();
    peer = await servers[program](path);
    await until("it is back", () => types().at(-1) === "connected");
    expect(Buffer.compare(await client.read(0, 4096), data)).toBe(0);
    expect((await readFile(small)).every((byte) => byte === 0)).toBe(true);
  });
});

describe("answered errors", () => {
  const able = havePrograms("nbdkit");

  test.skipIf(!able)("keep their code and class, and the connection", async () => {
    await workplace.nbdkit([
      "--filter=error",
      "memory",
      "1M",
      "error-pwrite=ENOSPC",
      "error-pread=EIO",
      "error-rate=100%",
    ]);
    const { submit } = await open();
    expect(await submit(random(0)).done).toMatchObject({ code: "ENOSPC", errorClass: "no-space" });
    const read = { operation: "read", offset: 0, length: 512, iov: [new Uint8Array(512)] } as const;
    expect(await submit({ ...read, iov: [...read.iov] }).done).toMatchObject({ code: "EIO", errorClass: "storage" });
    expect(types()).toEqual([]);
  });

  test.skipIf(!able)("an export that is not there", async () => {
    await workplace.nbdkit(["--filter=exportname", "memory", "1M", "exportname=known", "exportname-strict=true"]);
    await expect(open()).rejects.toThrow(/NBD_REP_ERR_/);
  });

  test.skipIf(!able)("SIGTERM: whatever nbdkit says while it ends is a lost connection", async () => {
    const peer = await workplace.nbdkit(["--filter=delay", "memory", "1M", "wdelay=1"]);
    const { submit } = await open();
    const writing = submit(random(0));
    await pause(50);
    peer.signal("SIGTERM");
    expect([undefined, "transport"]).toContain((await writing.done)?.errorClass);
    await until("the loss is noticed", () => types().length > 0);
    expect(types()).toEqual(["disconnected"]);
  });
});

/** A write of 4 KiB somewhere in the second MiB. */
function random(at: number): Partial<BlockRequest> {
  return { operation: "write", offset: MiB / 2 + at * 4096, length: 4096, iov: [new Uint8Array(4096).fill(at)] };
}
