import {
  encodeBlockRanges,
  layOutBlockRequest,
  type BlockRangeRecord,
  type BlockRequestLayout,
  type DriverBuffer,
} from "@rehandle/virtio-blk/testing";
import { VirtioBlkRequestType } from "@rehandle/virtio-blk";
import { createBlockQueue, type BlockQueue } from "../../lib/front-end/block-queue.ts";
import { connectVhostUser } from "../../lib/front-end/connect-vhost-user.ts";
import type { FrontEndEvent, VhostUserFrontEndOptions } from "../../lib/front-end/front-end-options.ts";
import type { VhostUserFrontEnd } from "../../lib/front-end/front-end.ts";
import { within } from "./until.ts";

/** What became of a chain. */
export interface ChainResult {
  readonly status: number;
  readonly written: number;
}

/** A front end with promises around it: queues 0 to n − 2 by `BlockQueue`, all by single chains. */
export class Guest {
  readonly frontEnd: VhostUserFrontEnd;
  readonly events: FrontEndEvent[];
  readonly queues: BlockQueue[] = [];

  private constructor(frontEnd: VhostUserFrontEnd, events: FrontEndEvent[]) {
    this.frontEnd = frontEnd;
    this.events = events;
  }

  /** Connects and starts. */
  static async boot(options: VhostUserFrontEndOptions): Promise<Guest> {
    const events: FrontEndEvent[] = [];
    const frontEnd = await connectVhostUser({ ...options, onEvent: (event) => events.push(event) });
    const guest = new Guest(frontEnd, events);
    for (const vring of frontEnd.vrings) guest.queues.push(createBlockQueue(frontEnd, vring.index));
    await frontEnd.start();
    return guest;
  }

  /** Sends a command with one part of data that lies in guest memory already. */
  send(queue: number, type: number, sector: number, address: number, length: number): Promise<ChainResult> {
    const deviceWrites = type === VirtioBlkRequestType.IN || type === VirtioBlkRequestType.GET_ID;
    const data = length === 0 ? [] : [{ address, length }];
    return new Promise((resolve) => {
      const complete = (_: unknown, status: number, written: number): void => resolve({ status, written });
      this.queues[queue]!.submit({ type, sector, data, deviceWrites, complete, owner: null });
    });
  }

  /** Writes bytes and gives the status. */
  async write(queue: number, sector: number, bytes: Uint8Array): Promise<number> {
    const address = this.frontEnd.memory.allocate(bytes.length, 512);
    try {
      this.frontEnd.memory.bytes(address, bytes.length).set(bytes);
      const sent = this.send(queue, VirtioBlkRequestType.OUT, sector, address, bytes.length);
      return (await within("a write", sent)).status;
    } finally {
      this.frontEnd.memory.free(address);
    }
  }

  /** Reads bytes. @throws Error if the status is not OK. */
  async read(queue: number, sector: number, length: number): Promise<Uint8Array> {
    const address = this.frontEnd.memory.allocate(length, 512);
    try {
      const memory = this.frontEnd.memory.bytes(address, length).fill(0xa5);
      const sent = this.send(queue, VirtioBlkRequestType.IN, sector, address, length);
      const { status, written } = await within("a read", sent);
      if (status !== 0) throw new Error(`a read at sector ${sector} ended with status ${status}`);
      if (written !== length + 1) throw new Error(`a read of ${length} bytes says that ${written} were written`);
      return memory.slice();
    } finally {
      this.frontEnd.memory.free(address);
    }
  }

  async flush(queue: number): Promise<number> {
    return (await within("a flush", this.send(queue, VirtioBlkRequestType.FLUSH, 0, 0, 0))).status;
  }

  /** DISCARD or WRITE_ZEROES. */
  async ranges(queue: number, type: number, records: readonly BlockRangeRecord[]): Promise<number> {
    const bytes = encodeBlockRanges(records);
    const address = this.frontEnd.memory.allocate(bytes.length);
    try {
      this.frontEnd.memory.bytes(address, bytes.length).set(bytes);
      return (await within("ranges", this.send(queue, type, 0, address, bytes.length))).status;
    } finally {
      this.frontEnd.memory.free(address);
    }
  }

  /** Bytes of guest memory for a chain, which stay taken. */
  allocate(length: number): number {
    return this.frontEnd.memory.allocate(length);
  }

  /**
   * Sends a single request in any framing, over a queue on which nothing else is in flight.
   * @param direct See `DriverQueue.add`.
   */
  async frame(
    queue: number,
    layout: Omit<BlockRequestLayout, "header" | "status"> & Partial<BlockRequestLayout>,
  ): Promise<ChainResult> {
    const [header, status] = [layout.header ?? this.allocate(16), layout.status ?? this.allocate(1)];
    const buffers = layOutBlockRequest(this.frontEnd.memory.guest, { ...layout, header, status });
    const { written } = await this.chain(queue, buffers);
    return { status: this.frontEnd.memory.bytes(status, 1)[0]!, written };
  }

  /** Sends any chain at all. */
  async chain(queue: number, buffers: readonly DriverBuffer[], direct?: number): Promise<{ readonly written: number }> {
    const vring = this.frontEnd.vrings[queue]!;
    const before = vring.listener;
    try {
      const used = new Promise<{ written: number }>((resolve, reject) => {
        const expected = direct === undefined ? vring.add(buffers) : vring.queue.add(buffers, direct);
        if (expected === -1) throw new Error("there is no room for a chain");
        vring.listener = {
          onUsed: (token, written) =>
            token === expected ? resolve({ written }) : reject(new Error(`chain ${token} came back, not ${expected}`)),
          onCollected() {},
          onReset: () => reject(new Error("the ring was reset")),
        };
        vring.kick();
      });
      return await within("a chain", used);
    } finally {
      vring.listener = before;
    }
  }

  close(): void {
    this.frontEnd.close();
  }
}
