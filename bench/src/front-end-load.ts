/**
 * A virtual machine's part: keeps a vhost-user-blk device busy and prints one line of JSON, `FrontEndReport`.
 * Usage: front-end-load <socket> randread|randwrite|read <bytes of one request> <depth> <seconds> <bytes of the disk to use>
 */
import { connectVhostUser, createBlockQueue, type BlockCommand } from "@rehandle/vhost-user";
import { VirtioBlkRequestType } from "@rehandle/virtio-blk";
import type { FrontEndReport } from "./lib/front-end-report.ts";
import { percentile } from "./lib/statistics.ts";

const SECTOR = 512;
/** A prime, so that every block has its turn, far from the one before. */
const STRIDE = 7919;
/** Every which request's latency is noted: the clock costs as much as a request. */
const NOTED = 16;

const [socket = "", pattern = "", ...numbers] = process.argv.slice(2);
const [block = 4096, depth = 1, seconds = 1, region = 1] = numbers.map(Number);

const frontEnd = await connectVhostUser({ path: socket, queueSize: 256 });
await frontEnd.start();
const queue = createBlockQueue(frontEnd, 0);
const blocks = Math.floor(Math.min(frontEnd.config.capacity * SECTOR, region) / block);
const step = pattern === "read" ? 1 : STRIDE;
const latencies: number[] = [];
let current = 0;
let completed = 0;
let noted: BlockCommand | null = null;
let notedSince = 0;

const start = performance.now();
const end = start + seconds * 1000;
await new Promise<void>((resolve, reject) => {
  let left = depth;
  let over = false;
  const complete = (command: BlockCommand, status: number): void => {
    if (status !== 0) reject(new Error(`a request ended with status ${status}`));
    completed += 1;
    if (command === noted) {
      const now = performance.now();
      latencies.push((now - notedSince) * 1000);
      noted = null;
      over ||= now >= end;
    }
    if (!over) submit(command);
    else if ((left -= 1) === 0) resolve();
  };
  for (let at = 0; at < depth; at += 1) {
    const data = [{ address: frontEnd.memory.allocate(block, 4096), length: block }];
    const writes = pattern === "randwrite";
    const type = writes ? VirtioBlkRequestType.OUT : VirtioBlkRequestType.IN;
    submit({ type, sector: 0, data, deviceWrites: !writes, complete, owner: null });
  }
});
const elapsed = (performance.now() - start) / 1000;
frontEnd.close();
const report: FrontEndReport = {
  iops: completed / elapsed,
  requests: completed,
  p50: percentile(latencies, 50),
  p99: percentile(latencies, 99),
};
console.log(JSON.stringify(report));

function submit(command: BlockCommand): void {
  current = (current + step) % blocks;
  command.sector = (current * block) / SECTOR;
  if (noted === null && (completed % NOTED === 0 || depth === 1)) {
    noted = command;
    notedSince = performance.now();
  }
  queue.submit(command);
}
