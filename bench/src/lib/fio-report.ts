/** What one run of a client found. */
export interface ClientFigures {
  /** Requests per second; for a client that copies, MB (10^6 bytes) per second. */
  readonly rate: number;
  /** How many requests were completed, to divide the server's processor time by. */
  readonly requests: number;
  /** Completion latency, µs; of mixed loads the greater of reads and writes. Undefined if the client does not tell. */
  readonly p50?: number;
  readonly p99?: number;
}

interface FioDirection {
  readonly iops: number;
  readonly total_ios: number;
  readonly bw_bytes: number;
  readonly clat_ns?: { readonly percentile?: Readonly<Record<string, number>> };
}

interface FioJob {
  readonly error: number;
  readonly read: FioDirection;
  readonly write: FioDirection;
}

/**
 * Reads what `fio --output-format=json --group_reporting` printed; with several jobs their sum.
 * @param unit What `rate` is to be: requests or MB per second.
 * @throws {Error} If it is no report, or an error is in it.
 */
export function parseFioReport(text: string, unit: "IOPS" | "MB/s"): ClientFigures {
  const start = text.indexOf("{");
  if (start < 0) throw new Error(`fio printed no report: ${text.trim()}`);
  const { jobs } = JSON.parse(text.slice(start)) as { jobs: FioJob[] };
  const failed = jobs.find(({ error }) => error !== 0);
  if (failed !== undefined) throw new Error(`fio reports error ${failed.error}`);
  const directions = jobs.flatMap(({ read, write }) => [read, write]).filter(({ total_ios }) => total_ios > 0);
  if (directions.length === 0) throw new Error("fio reports no I/O");
  return {
    rate: sum(directions.map(({ iops, bw_bytes }) => (unit === "IOPS" ? iops : bw_bytes / 1e6))),
    requests: sum(directions.map(({ total_ios }) => total_ios)),
    ...latencies(directions),
  };
}

function latencies(directions: readonly FioDirection[]): { p50?: number; p99?: number } {
  const greatest = (key: string): number =>
    Math.max(...directions.map(({ clat_ns }) => (clat_ns?.percentile?.[key] ?? Number.NaN) / 1000));
  const [p50, p99] = [greatest("50.000000"), greatest("99.000000")];
  return { ...(Number.isNaN(p50) ? {} : { p50 }), ...(Number.isNaN(p99) ? {} : { p99 }) };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
