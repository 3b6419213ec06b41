import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { haveAll } from "../testing/programs.ts";
import { connectNbdClient } from "./nbd-client.ts";
import { Workshop } from "./workshop.ts";

const hasNbdkit = haveAll("nbdkit");
const workshop = new Workshop(tmpdir());
afterAll(() => workshop.close());

test.skipIf(!hasNbdkit)("many requests are under way, and each gets its reply", async () => {
  const socket = join(workshop.folder, "nbd.sock");
  const server = await workshop.start(["nbdkit", "-f", "-U", socket, "memory", "1M"], socket);
  const client = await connectNbdClient(socket, "any");
  const errors: number[] = [];
  await new Promise<void>((resolve) => {
    const onReply = (error: number): void => {
      errors.push(error);
      if (errors.length === 101) resolve();
    };
    client.cork();
    for (let at = 0; at < 50; at += 1) {
      client.write(at * 4096, 4096, onReply);
      client.read(at * 4096, 8192, onReply);
    }
    client.read(1 << 20, 4096, onReply);
    client.uncork();
  });
  expect(errors.filter((error) => error === 0)).toHaveLength(100);
  expect(errors.filter((error) => error !== 0)).toHaveLength(1);
  expect(client.failure).toBeNull();
  const leaving = await connectNbdClient(socket, "any");
  leaving.read(0, 4096, () => errors.push(-1));
  leaving.close();
  await server.end("SIGKILL");
  // Who leaves is not told of what was under way.
  expect(errors).not.toContain(-1);
  await expect(connectNbdClient(socket, "any")).rejects.toThrow("ENOENT");
});

test.skipIf(!hasNbdkit)("what is under way when the server dies fails", async () => {
  const socket = join(workshop.folder, "slow.sock");
  const slow = ["nbdkit", "-f", "-U", socket, "--filter=delay", "memory", "1M", "rdelay=600"];
  const server = await workshop.start(slow, socket);
  const client = await connectNbdClient(socket, "any");
  const last = new Promise<number>((resolve) => client.read(0, 4096, resolve));
  await server.end("SIGKILL");
  await expect(last).resolves.toBe(108);
  expect(client.failure).toBeInstanceOf(Error);
});
