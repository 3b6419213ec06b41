import type { QueueSettings, VirtqueueFeatures } from "../lib/ring/virtqueue.ts";

/** What a hostile driver has to know. */
export interface HostileDriverOptions {
  /** The queue that it spoils. */
  readonly settings: QueueSettings;
  readonly features: VirtqueueFeatures;
  /** Guest addresses that it likes to use, such as the first of a region and one behind the last. */
  readonly addresses: readonly number[];
  /** Guest memory in which it may write indirect tables: first address and bytes. */
  readonly tables: { readonly address: number; readonly bytes: number };
  /** Where its decisions come from: the same numbers, the same rubbish. */
  readonly random: () => number;
  /** Stores bytes to guest memory. False: that is no memory. */
  readonly write: (address: number, bytes: Uint8Array) => boolean;
}

/**
 * A driver that writes rubbish into a queue, most of it nearly right, because plain noise is refused at the first look. Each
 * {@link HostileDriver.act} does one thing, so that it can also be called while the device is reading.
 */
export class HostileDriver {
  readonly #options: HostileDriverOptions;
  readonly #size: number;
  #index = 0;
  #slot = 0;
  #wrap = 1;

  constructor(options: HostileDriverOptions) {
    this.#options = options;
    this.#size = options.settings.size;
  }

  /** Writes every descriptor once, so that not all of the first ones are empty. */
  fill(): void {
    const { descriptorArea } = this.#options.settings;
    for (let i = 0; i < this.#size; i++) this.#writeDescriptor(descriptorArea + 16 * i, 0);
  }

  /** Does one random thing. */
  act(): void {
    const actions = [
      () => this.#makeAvailable(),
      () => this.#makeAvailable(),
      () => this.#writeDescriptor(this.#options.settings.descriptorArea + 16 * this.#below(this.#size)),
      () => this.#writeTable(),
      () => this.#writeEvent(),
      () => this.#writeNoise(),
    ];
    actions[this.#below(actions.length)]?.();
  }

  /** An integer in [0, limit). */
  #below(limit: number): number {
    return Math.floor(this.#options.random() * limit);
  }

  #pick<T>(values: readonly T[], otherwise: T): T {
    return values[this.#below(values.length)] ?? otherwise;
  }

  #put16(address: number, ...values: number[]): void {
    this.#options.write(address, new Uint8Array(Uint16Array.from(values).buffer));
  }

  #address(): number {
    const { addresses, settings } = this.#options;
    const base = this.#pick([...addresses, settings.descriptorArea, settings.driverArea, settings.deviceArea], 0);
    return Math.max(0, base + this.#pick([0, 0, 0, -1, 1, -16, 16, this.#below(4096), -this.#below(4096)], 0));
  }

  /** A descriptor; mostly one that could be. */
  #descriptor(next: number): Uint8Array {
    const view = new DataView(new ArrayBuffer(16));
    if (this.#below(16) > 0) {
      const { address, bytes } = this.#options.tables;
      const place = address + this.#below(Math.max(1, bytes - 512));
      view.setUint32(0, place % 2 ** 32, true);
      view.setUint32(4, Math.floor(place / 2 ** 32), true);
      view.setUint32(8, 1 + this.#below(512), true);
      view.setUint16(12, this.#pick([0, 1, 2, 2, 2, 3], 0), true);
      view.setUint16(14, next, true);
      return new Uint8Array(view.buffer);
    }
    const address = this.#address();
    const high = this.#below(12) === 0 ? this.#pick([1, 0x1f_ffff, 0x20_0000, 0x7fff_ffff, 0xffff_ffff], 0) : undefined;
    view.setUint32(0, address % 2 ** 32, true);
    view.setUint32(4, high ?? Math.floor(address / 2 ** 32), true);
    view.setUint32(8, this.#pick([1, 1, 16, 16, 32, 48, 512, 0, 4096, 0xffff_ffff, this.#below(2 ** 17)], 1), true);
    const flags = this.#pick([0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 6, 7, this.#below(65536)], 0);
    view.setUint16(12, flags, true);
    view.setUint16(14, next, true);
    return new Uint8Array(view.buffer);
  }

  #writeDescriptor(address: number, wrap: number = this.#wrap): void {
    const bytes = this.#descriptor(this.#below(12) === 0 ? this.#below(65536) : this.#below(this.#size));
    const { packed } = this.#options.features;
    if (packed !== true) return void this.#options.write(address, bytes);
    // A packed ring has id and flags where a split one has flags and next.
    const [low = 0, high = 0] = bytes.subarray(12, 14);
    const round = this.#below(5) === 0 ? this.#below(65536) & 0x8080 : wrap === 1 ? 0x80 : 0x8000;
    bytes.set([this.#below(256), this.#below(4), (low & 7) | (round & 0xff), high | (round >>> 8)], 12);
    this.#options.write(address, bytes);
  }

  /** Points a descriptor to a table of a few more. */
  #writeTable(): void {
    const { tables, settings } = this.#options;
    const count = 1 + this.#below(8);
    const address = tables.address + this.#below(Math.max(1, tables.bytes - 16 * count));
    for (let i = 0; i < count; i++) {
      this.#options.write(address + 16 * i, this.#descriptor(this.#pick([i + 1, this.#below(count), 0xffff], 0)));
    }
    const bytes = new DataView(new ArrayBuffer(12));
    bytes.setUint32(0, address % 2 ** 32, true);
    bytes.setUint32(4, Math.floor(address / 2 ** 32), true);
    bytes.setUint32(
      8,
      this.#below(4) > 0 ? 16 * count : this.#pick([16, 0, 8, 16 * count + 1, 2 ** 20, 2 ** 20 + 16], 16),
      true,
    );
    const at = settings.descriptorArea + 16 * this.#below(this.#size);
    this.#options.write(at, new Uint8Array(bytes.buffer));
    if (this.#options.features.packed !== true) this.#put16(at + 12, this.#below(8) === 0 ? 5 : 4);
    else this.#put16(at + 14, (this.#below(8) === 0 ? 5 : 4) | (this.#wrap === 1 ? 0x80 : 0x8000));
  }

  #makeAvailable(): void {
    const { settings, features } = this.#options;
    if (features.packed === true) {
      this.#writeDescriptor(settings.descriptorArea + 16 * this.#slot);
      this.#slot++;
      if (this.#slot < this.#size) return;
      this.#slot = 0;
      this.#wrap ^= 1;
      return;
    }
    const head = this.#below(20) === 0 ? this.#below(65536) : this.#below(this.#size);
    this.#put16(settings.driverArea + 4 + 2 * (this.#index & (this.#size - 1)), head);
    this.#index += this.#below(60) === 0 ? this.#below(65536) : 1;
    this.#put16(settings.driverArea + 2, this.#index & 0xffff);
  }

  #writeEvent(): void {
    const { settings, features } = this.#options;
    const value = this.#below(65536);
    if (features.packed === true) this.#put16(settings.driverArea, value, this.#below(5));
    else if (this.#below(2) === 0) this.#put16(settings.driverArea, value);
    else if (features.eventIdx === true) this.#put16(settings.driverArea + 4 + 2 * this.#size, value);
  }

  #writeNoise(): void {
    const { settings } = this.#options;
    if (this.#below(8) !== 0) return;
    const area = this.#pick([settings.descriptorArea, settings.driverArea, settings.deviceArea], 0);
    const bytes = Uint8Array.from({ length: 1 + this.#below(4) }, () => this.#below(256));
    this.#options.write(area + this.#below(16 * this.#size), bytes);
  }
}
