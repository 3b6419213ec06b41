/** Bounds of what one client, or all of them, can make the server hold. */
export interface NbdServerLimits {
  /**
   * Connections at a time, with those that are gone while the driver still has requests of theirs; more are closed at once.
   * Default 1024.
   */
  readonly maxConnections: number;
  /** Requests in flight per connection; the socket is not read beyond. Default 256. */
  readonly maxInFlightRequests: number;
  /**
   * Bytes of payloads in flight and of replies not yet written, per connection; the socket is not read beyond. One request
   * always passes, however long. A block status in flight counts as 64 KiB, its longest answer. Default 64 MiB.
   */
  readonly maxInFlightBytes: number;
  /**
   * How long a client may take from connecting to the end of the negotiation, TLS included, ms; and how long one that hung
   * up without NBD_CMD_DISC is still given answers, should it only have closed its half of the connection. Default 10,000.
   */
  readonly handshakeTimeoutMs: number;
  /** Memory that is kept for buffers of later requests, all connections together, bytes. Default 64 MiB. */
  readonly maxPooledBytes: number;
}

/** The bounds of a server that was given none. */
export const DEFAULT_LIMITS: NbdServerLimits = {
  maxConnections: 1024,
  maxInFlightRequests: 256,
  maxInFlightBytes: 64 * 1024 * 1024,
  handshakeTimeoutMs: 10_000,
  maxPooledBytes: 64 * 1024 * 1024,
};
