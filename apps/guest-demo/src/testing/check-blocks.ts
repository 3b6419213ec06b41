import { closeSync, openSync, readSync } from "node:fs";

import type { GuestLoad } from "../lib/guest-load.ts";

const BLOCK = 4096;
const LINE = 64;

/** How `verified-io blocks` was run. */
export interface BlocksPlan {
  readonly seed: string;
  readonly workers: number;
  /** Blocks of each worker. */
  readonly blocks: number;
}

/** The arguments of `verified-io`. */
export function blocksArguments(device: string, { seed, workers, blocks }: BlocksPlan): string {
  return `blocks ${device} ${seed} ${workers} ${blocks}`;
}

/**
 * Compares a disk's file with what the guest saw completed, after the load was stopped: what is wrong, in words. Every block
 * must hold what its worker wrote last.
 */
export function wrongBlocks(file: string, plan: BlocksPlan, load: GuestLoad): string[] {
  const descriptor = openSync(file, "r");
  const wrong: string[] = [];
  const block = Buffer.alloc(BLOCK);
  for (let worker = 0; worker < plan.workers; worker++) {
    const { ops } = load.of(`w${worker}`);
    for (let counter = Math.max(0, ops - plan.blocks); counter < ops; counter++) {
      const position = BLOCK * (worker * plan.blocks + (counter % plan.blocks));
      readSync(descriptor, block, 0, BLOCK, position);
      if (block.equals(stamp(`${plan.seed} w${worker} ${counter}`))) continue;
      wrong.push(`w${worker} ${counter}: ${block.toString("latin1", 0, LINE).trimEnd()}`);
    }
  }
  closeSync(descriptor);
  return wrong;
}

/** As in guest/verified-io. */
function stamp(text: string): Buffer {
  return Buffer.alloc(BLOCK, `rehandle ${text}`.padEnd(LINE - 1).concat("\n"));
}
