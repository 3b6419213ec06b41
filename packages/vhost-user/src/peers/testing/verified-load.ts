import type { Random } from "@rehandle/driver-sdk";
import { VirtioBlkRequestType } from "@rehandle/virtio-blk";
import type { Guest } from "./guest.ts";

const BLOCK = 4096;
const SECTORS = BLOCK / 512;
const { IN, OUT } = VirtioBlkRequestType;

/** How much load, and where. */
export interface LoadOptions {
  readonly random: Random;
  /** Requests in flight on each queue. */
  readonly depth: number;
  /** Requests in all. */
  readonly operations: number;
  /** 4 KiB blocks from the beginning of the disk on that are used. */
  readonly blocks: number;
  /** What each block was last written with; 0 for never. Default: all 0. */
  readonly versions?: Uint32Array;
  /** Ends it before `operations` are done. */
  readonly stop?: AbortController;
}

/** What was done. */
export interface LoadDone {
  readonly writes: number;
  readonly reads: number;
}

/**
 * Random writes of blocks and reads of them, `depth` at a time on each queue; every read is compared with what was last
 * written. No two requests for the same block are in flight at a time. @throws Error for a wrong byte or status.
 */
export async function verifiedLoad(guest: Guest, options: LoadOptions): Promise<LoadDone> {
  const { random, depth, blocks } = options;
  const versions = options.versions ?? new Uint32Array(blocks);
  const busy = new Set<number>();
  const done = { writes: 0, reads: 0 };
  let left = options.operations;

  const worker = async (queue: number): Promise<void> => {
    const address = guest.frontEnd.memory.allocate(BLOCK, 512);
    const bytes = guest.frontEnd.memory.bytes(address, BLOCK);
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, BLOCK / 4);
    while (left > 0 && options.stop?.signal.aborted !== true) {
      left -= 1;
      const block = freeBlock(random, busy, blocks);
      busy.add(block);
      if (random() < 0.5) {
        const version = versions[block]! + 1;
        words.fill(stamp(block, version));
        await expectOk(guest.send(queue, OUT, block * SECTORS, address, BLOCK), `write of block ${block}`);
        versions[block] = version;
        done.writes += 1;
      } else {
        words.fill(0xdeadbeef);
        await expectOk(guest.send(queue, IN, block * SECTORS, address, BLOCK), `read of block ${block}`);
        verify(words, block, versions[block]!);
        done.reads += 1;
      }
      busy.delete(block);
    }
    guest.frontEnd.memory.free(address);
  };
  const workers = [...guest.queues.keys()].flatMap((queue) => Array.from({ length: depth }, () => worker(queue)));
  await Promise.all(workers);
  return done;
}

function freeBlock(random: Random, busy: ReadonlySet<number>, blocks: number): number {
  for (;;) {
    const block = Math.floor(random() * blocks);
    if (!busy.has(block)) return block;
  }
}

/** What every word of a block is. */
function stamp(block: number, version: number): number {
  return version === 0 ? 0 : ((block << 16) ^ Math.imul(version, 0x9e3779b1)) >>> 0;
}

function verify(words: Uint32Array, block: number, version: number): void {
  const expected = stamp(block, version);
  const wrong = words.findIndex((word) => word !== expected);
  if (wrong !== -1) throw new Error(`block ${block} has ${words[wrong]} at word ${wrong}, not ${expected}`);
}

async function expectOk(sent: Promise<{ readonly status: number }>, what: string): Promise<void> {
  const { status } = await sent;
  if (status !== 0) throw new Error(`${what} ended with status ${status}`);
}
