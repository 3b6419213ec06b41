import type { OutputParts, RawSocket, Sockets, TakenSocket } from "@rehandle/linux-sockets";

/**
 * Whose the memory is that received bytes lie in. `lent`: it is used again after the call; `owned`: it belongs to the
 * receiver, who may free it; `shared`: it stays as it is, but others may have it, too.
 */
export type ReceivedMemory = "lent" | "owned" | "shared";

/** Who hears of a {@link Transport}. */
export interface TransportSink {
  /** `length` bytes arrived at the start of `buffer`. */
  data(buffer: Buffer, length: number): void;
  /** The client sends nothing more, but may still read. */
  ended(): void;
  /** While no data is brought: nothing more will come after what has not been brought yet. Not every transport knows. */
  hungUp(): void;
  /** All of a write that did not go out at once is sent. */
  drained(): void;
  /** The connection is gone: `error` says why, unless it was closed in good order. */
  closed(error: Error | null): void;
}

/** The connection of one client in the transmission phase. */
export interface Transport {
  readonly memory: ReceivedMemory;
  /** Replies up to this length are better copied together than sent from where they are, bytes. */
  readonly copyUpTo: number;
  /** So much of replies is better sent at once than with the rest of the batch, bytes. */
  readonly sendFrom: number;
  /** Starts or stops bringing data; at first it is stopped. */
  setReading(reading: boolean): void;
  /**
   * Sends; only one write at a time.
   * @returns true if the memory is free again at once; else it must stay as it is until the sink hears `drained`.
   */
  write(parts: OutputParts): boolean;
  /** Says that nothing more will come; what was written is sent. `sent` is called when that is said. */
  end(sent: () => void): void;
  /** Closes at once. The sink hears nothing of it. */
  destroy(): void;
}

/** A connection by system calls: nothing is copied on its way to the kernel, and a batch of any length is one call. */
export function createRawTransport(sockets: Sockets, taken: TakenSocket, sink: TransportSink): Transport {
  const socket: RawSocket = sockets.open(taken, {
    data: (buffer, length) => sink.data(buffer, length),
    ended: () => sink.ended(),
    hungUp: () => sink.hungUp(),
    drained: () => sink.drained(),
    failed: (error) => sink.closed(error),
  });
  return {
    memory: "lent",
    copyUpTo: 256,
    sendFrom: 32_768,
    setReading: (reading) => socket.setReading(reading),
    write: (parts) => socket.write(parts),
    end(sent) {
      socket.end();
      sent();
    },
    destroy: () => socket.destroy(),
  };
}
