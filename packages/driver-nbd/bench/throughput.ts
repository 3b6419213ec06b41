/**
 * How fast requests go through the driver, and what they cost it, on a server of its own over a file in the page cache.
 * Usage: node --conditions=@rehandle/source bench/throughput.ts nbdkit|qemu-nbd [connections…]
 */
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRandom, createRequest, createSystemClock, type BlockRequest } from "@rehandle/driver-sdk";
import { createNbdDriver } from "@rehandle/driver-nbd";

const MiB = 1 << 20;
const clock = createSystemClock();
const folder = mkdtempSync(join(tmpdir(), "rehandle-bench-"));
const path = join(folder, "nbd.sock");
const [program = "nbdkit", ...counts] = process.argv.slice(2);
const disk = join(folder, "disk.raw");
execFileSync("dd", ["if=/dev/zero", `of=${disk}`, "bs=1M", "count=256"], { stdio: "ignore" });
const args = program === "nbdkit" ? ["-f", "-U", path, "file", disk] : ["-t", "-k", path, "-e", "8", "-f", "raw", disk];
const server = spawn(program, args, { stdio: "inherit" });
try {
  for (const connections of counts.length > 0 ? counts.map(Number) : [1, 2, 4]) {
    const server = { type: "unix", path } as const;
    const driver = createNbdDriver({ server, connections, openTimeout: 10 });
    await driver.open({ clock, random: createRandom(1), held: true, onEvent: () => {} });
    await run("write", 4096, 32, 20_000, () => {});
    for (const [operation, length, depth, total] of [
      ["read", 4096, 1, 10_000],
      ["read", 4096, 32, 150_000],
      ["write", 4096, 32, 150_000],
      ["read", 131_072, 8, 8000],
      ["write", 131_072, 8, 8000],
    ] as const) {
      await run(operation, length, depth, total, (line) => console.log(`${connections} connection(s): ${line}`));
    }
    await driver.close();

    /** Keeps `depth` requests in flight until `total` have completed. */
    async function run(
      operation: "read" | "write",
      length: number,
      depth: number,
      total: number,
      say: (line: string) => void,
    ): Promise<void> {
      const random = createRandom(2);
      const slots = (256 * MiB) / length;
      const start = clock.now();
      const cpu = process.cpuUsage();
      await new Promise<void>((resolve, reject) => {
        let submitted = 0;
        let completed = 0;
        const next = (request: BlockRequest): void => {
          submitted += 1;
          request.offset = Math.floor(random() * slots) * length;
          driver.submit(request);
        };
        const complete = (request: BlockRequest, error: Error | null): void => {
          if (error !== null) reject(error);
          completed += 1;
          if (completed === total) resolve();
          else if (submitted < total) next(request);
        };
        for (let i = 0; i < depth; i += 1) {
          next(createRequest({ operation, length, iov: [new Uint8Array(length)], complete }));
        }
      });
      const seconds = (clock.now() - start) / 1000;
      const { user, system } = process.cpuUsage(cpu);
      const rate = `${(total / seconds / 1000).toFixed(1)}k IOPS, ${((total * length) / seconds / 1e6).toFixed(0)} MB/s`;
      say(
        `${operation} ${length} at depth ${depth}: ${rate}, ${((user + system) / total).toFixed(1)} µs CPU per request`,
      );
    }
  }
} finally {
  server.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
}
