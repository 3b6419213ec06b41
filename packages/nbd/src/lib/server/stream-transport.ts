import type { OutputParts } from "@rehandle/linux-sockets";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { HEADROOM } from "./buffer-pool.ts";
import type { ReceivedMemory, Transport, TransportSink } from "./transport.ts";

/** A connection by a stream of Node: what there is everywhere, and what TLS comes through. */
export class StreamTransport implements Transport {
  readonly memory: ReceivedMemory;
  /** Every part costs Node more than the copy does. */
  readonly copyUpTo: number = 16_384 + HEADROOM;
  readonly sendFrom: number = Infinity;
  readonly #stream: Duplex;
  readonly #sink: TransportSink;
  #destroyed = false;

  constructor(stream: Duplex, sink: TransportSink) {
    this.#stream = stream;
    this.#sink = sink;
    this.memory = stream instanceof Socket ? "owned" : "shared";
    stream.pause();
    stream.on("data", (chunk: Buffer) => {
      if (!this.#destroyed) sink.data(chunk, chunk.length);
    });
    stream.on("end", () => {
      if (!this.#destroyed) sink.ended();
    });
    stream.on("error", (error: Error) => this.#closed(error));
    stream.on("close", () => this.#closed(null));
    // What has happened already is not told again.
    if (stream.destroyed) setImmediate(() => this.#closed(stream.errored));
    else if (stream.readableEnded) setImmediate(() => sink.ended());
  }

  setReading(reading: boolean): void {
    if (reading !== this.#stream.isPaused()) return;
    if (reading) this.#stream.resume();
    else this.#stream.pause();
  }

  write({ bytes, starts, ends, count }: OutputParts): boolean {
    const stream = this.#stream;
    const last = count - 1;
    if (last > 0) stream.cork();
    for (let i = 0; i < last; i += 1) stream.write(bytes[i]!.subarray(starts[i], ends[i]));
    stream.write(bytes[last]!.subarray(starts[last], ends[last]), this.#written);
    if (last > 0) stream.uncork();
    return false;
  }

  end(sent: () => void): void {
    this.#stream.end(sent);
  }

  destroy(): void {
    this.#destroyed = true;
    this.#stream.destroy();
  }

  readonly #written = (error?: Error | null): void => {
    // When the socket was destroyed the kernel may still be reading the memory: the collector knows when it is done.
    if (!error && !this.#destroyed) this.#sink.drained();
  };

  #closed(error: Error | null): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#sink.closed(error);
  }
}
