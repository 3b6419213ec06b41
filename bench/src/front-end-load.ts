/**
 * A virtual machine's part: keeps a vhost-user-blk device busy and prints one line of JSON, `FrontEndReport`.
 * Usage: front-end-load <socket> <pattern, as fio's> <bytes of one request> <depth> <seconds> <bytes of the disk to use> [flush]
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
/** Of ten requests of a mixed load, this many are reads. */
const READS_OF_TEN = 7;

const [socket = "", pattern = "", ...numbers] = process.argv.slice(2);
const [block = 4096, depth = 1, seconds = 1, region = 1] = numbers.map(Number);
const flushes = numbers[5] === "flush";

const frontEnd = await connectVhostUser({ path: socket, queueSize: 256 });
await frontEnd.start();
const queue = createBlockQueue(frontEnd, 0);
const blocks = Math.floor(Math.min(frontEnd.config.capacity * SECTOR, region) / block);
const step = pattern.startsWith("rand") ? STRIDE : 1;
const latencies: number[] = [];
let current = 0;
let submitted = 0;
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
    if (flushes && command.type === VirtioBlkRequestType.OUT) {
      flush(command);
      return;
    }
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
    submit({ type: 0, sector: 0, data, deviceWrites: false, complete, owner: data });
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
  const writes = isWrite(submitted);
  submitted += 1;
  current = (current + step) % blocks;
  command.type = writes ? VirtioBlkRequestType.OUT : VirtioBlkRequestType.IN;
  command.deviceWrites = !writes;
  command.sector = (current * block) / SECTOR;
  command.data = command.owner as BlockCommand["data"];
  if (noted === null && (completed % NOTED === 0 || depth === 1)) {
    noted = command;
    notedSince = performance.now();
  }
  queue.submit(command);
}

/** After a write that has been completed; the two count as one request. */
function flush(command: BlockCommand): void {
  command.type = VirtioBlkRequestType.FLUSH;
  command.sector = 0;
  command.data = [];
  queue.submit(command);
}

/** Whether the request of that number is a write. */
function isWrite(number: number): boolean {
  if (pattern === "randrw") return (number * READS_OF_TEN) % 10 >= READS_OF_TEN;
  return pattern.endsWith("write");
}
