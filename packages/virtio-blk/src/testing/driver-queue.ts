import type { GuestMemory } from "../lib/memory/guest-memory.ts";
import type { QueueSettings, VirtqueueFeatures } from "../lib/ring/virtqueue.ts";

/** A buffer that a driver lends to the device. */
export interface DriverBuffer {
  readonly address: number;
  readonly length: number;
  /** True if the device may write it; false if it may read it. The writable ones of a chain come last. */
  readonly writable: boolean;
}

/** A chain that the device gave back. */
export interface UsedBuffer {
  /** What {@link DriverQueue.add} returned. */
  readonly token: number;
  /** Bytes that the device says to have written. */
  readonly written: number;
}

/** What a driver's queue is made of. */
export interface DriverQueueOptions {
  /** Entries: a power of two for a split ring. */
  readonly size: number;
  /** Default false: a split ring. */
  readonly packed?: boolean;
  /** VIRTIO_F_EVENT_IDX. Default false. */
  readonly eventIdx?: boolean;
  /** Descriptors of the indirect table of a chain; > 0 means VIRTIO_F_INDIRECT_DESC. Default 0: there are none. */
  readonly tableEntries?: number;
  /** Guest address of {@link driverQueueBytes} bytes for rings and tables, zeroed; a multiple of 16. They lie in one window. */
  readonly address: number;
}

/** The driver's side of a virtqueue (virtio 1.2, 2.7 and 2.8): what a guest kernel does, for tests. */
export interface DriverQueue {
  /** Entries. */
  readonly size: number;
  /** What the device has to be told. */
  readonly settings: QueueSettings;
  /** What has to be negotiated. */
  readonly features: VirtqueueFeatures;
  /** Ring entries that are free. */
  readonly free: number;
  /** Chains that were added and not collected. */
  readonly outstanding: number;
  /**
   * Writes a chain of buffers, all of it but what makes it visible; that is {@link publish}.
   *
   * @param direct - How many of the buffers are in the ring itself; the rest is in an indirect table. Default: all. For a packed
   * ring all or none.
   * @returns A token that names it until it is collected, or −1 if there is no room.
   */
  add(buffers: readonly DriverBuffer[], direct?: number): number;
  /** Makes all that was added available to the device. */
  publish(): void;
  /** True if the device wants a kick for what was published since this was last asked. */
  needsKick(): boolean;
  /** The next chain that came back, or null. */
  collect(): UsedBuffer | null;
  /** Asks for no interrupts. */
  disableInterrupts(): void;
  /**
   * Asks for an interrupt for the next chain that comes back, or the one `later` chains after it (EVENT_IDX only; for a packed
   * ring `later` counts ring entries).
   *
   * @returns True if there is something to collect already, for which none may come.
   */
  enableInterrupts(later?: number): boolean;
}

/** Where the parts of a driver's queue lie. */
export interface DriverLayout {
  readonly settings: QueueSettings;
  readonly tables: number;
  readonly end: number;
}

/** Bytes that rings and indirect tables take. */
export function driverQueueBytes(options: Omit<DriverQueueOptions, "address">): number {
  return layoutDriverQueue({ ...options, address: 0 }).end;
}

/** Lays rings and tables out from `address` on. */
export function layoutDriverQueue(options: DriverQueueOptions): DriverLayout {
  const { size, packed = false, tableEntries = 0, address } = options;
  const driverArea = address + 16 * size;
  const deviceArea = driverArea + (packed ? 4 : Math.ceil((6 + 2 * size) / 4) * 4);
  const tables = Math.ceil((deviceArea + (packed ? 4 : 6 + 8 * size)) / 16) * 16;
  return {
    settings: { size, descriptorArea: address, driverArea, deviceArea },
    tables,
    end: tables + 16 * tableEntries * size,
  };
}

/** The bytes of a queue's part, which has to be in one window. */
function viewOf(memory: GuestMemory, address: number, bytes: number): Uint8Array {
  const view = memory.contiguous(address, bytes);
  if (view === null) throw new RangeError("a driver's queue has to be in one window of guest memory");
  return view;
}

/** Writes descriptors of an indirect table: each leads to the next unless the ring is packed. */
export function writeTable(
  memory: GuestMemory,
  address: number,
  buffers: readonly DriverBuffer[],
  chained: boolean,
): void {
  const bytes = viewOf(memory, address, 16 * buffers.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (const [i, buffer] of buffers.entries()) {
    const last = i === buffers.length - 1;
    const next = chained && !last ? 1 : 0;
    view.setUint32(16 * i, buffer.address % 2 ** 32, true);
    view.setUint32(16 * i + 4, Math.floor(buffer.address / 2 ** 32), true);
    view.setUint32(16 * i + 8, buffer.length, true);
    if (chained) {
      view.setUint16(16 * i + 12, next | (buffer.writable ? 2 : 0), true);
      view.setUint16(16 * i + 14, next === 1 ? i + 1 : 0, true);
    } else {
      view.setUint16(16 * i + 12, 0, true);
      view.setUint16(16 * i + 14, buffer.writable ? 2 : 0, true);
    }
  }
}
