import { createMessageChannel } from "../../channel.ts";
import type { MessageChannel } from "../../channel.ts";
import { FrontEndRequest, HeaderFlag } from "../../message-numbers.ts";
import { encodeMemoryTable, encodeU64, encodeVringAddress, encodeVringState } from "../../messages.ts";
import type { RegionDescription } from "../../messages.ts";
import type { SystemCalls } from "../../system-calls.ts";

const R = FrontEndRequest;

/** A front end that sends whatever it is told to, right or wrong. */
export class RawFrontEnd {
  readonly calls: SystemCalls;
  readonly channel: MessageChannel;
  /** Resolves when the back end hung up. */
  readonly closed: Promise<void>;
  readonly #waiting: ((payload: Uint8Array) => void)[] = [];

  constructor(calls: SystemCalls, path: string) {
    this.calls = calls;
    let onClosed: () => void = () => undefined;
    this.closed = new Promise((resolve) => {
      onClosed = resolve;
    });
    this.channel = createMessageChannel(calls, calls.connectUnix(path), {
      onMessage: (message) => this.#waiting.shift()?.(message.payload),
      onClose: () => onClosed(),
    });
  }

  send(request: number, payload: Uint8Array, fds: readonly number[] = []): void {
    this.channel.send(request, 0, payload, fds);
  }

  /** Sends what has a reply, or is to be acknowledged. */
  request(request: number, payload: Uint8Array, fds: readonly number[] = []): Promise<Uint8Array> {
    this.channel.send(request, HeaderFlag.NEED_REPLY, payload, fds);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /**
   * Sets up and starts queue 0 with rings at the beginning of one region of memory, at guest and user address 0. Without
   * protocol features it starts with its kick descriptor.
   */
  async start(
    fd: number,
    size: number,
    events: { readonly kick: number; readonly call: number },
    protocol = true,
  ): Promise<void> {
    const region: RegionDescription = { guestAddress: 0n, userAddress: 0n, size: BigInt(size), mmapOffset: 0n };
    const address = { index: 0, flags: 0, descriptor: 0n, available: 4096n, used: 8192n, log: 0n };
    if (protocol) this.send(R.SET_PROTOCOL_FEATURES, encodeU64(1n << 3n));
    this.send(R.SET_OWNER, new Uint8Array(0));
    this.send(R.SET_FEATURES, encodeU64((protocol ? 1n << 30n : 0n) | (1n << 32n)));
    this.send(R.SET_MEM_TABLE, encodeMemoryTable([region]), [fd]);
    this.send(R.SET_VRING_NUM, encodeVringState({ index: 0, num: 16 }));
    this.send(R.SET_VRING_BASE, encodeVringState({ index: 0, num: 0 }));
    this.send(R.SET_VRING_ADDR, encodeVringAddress(address));
    this.send(R.SET_VRING_CALL, encodeU64(0n), [events.call]);
    this.send(R.SET_VRING_KICK, encodeU64(0n), [events.kick]);
    if (protocol) await this.request(R.SET_VRING_ENABLE, encodeVringState({ index: 0, num: 1 }));
  }

  close(): void {
    this.channel.close();
  }
}
