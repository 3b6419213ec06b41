/** What the load of a vhost-user-blk device found. */
export interface FrontEndReport {
  readonly iops: number;
  readonly requests: number;
  /** Latency, µs, of some of the requests. */
  readonly p50: number;
  readonly p99: number;
}
