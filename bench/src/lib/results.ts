/** What a run finds, as it is written to the JSON file. */
import { estimateMedian, pairRatios, spreadOf, type Estimate, type Spread } from "./statistics.ts";

/** One run of a client against one server. */
export interface Sample {
  /** IOPS or MB/s, see the workload's unit. */
  readonly rate: number;
  /** Latency, µs; undefined if the client does not tell. */
  readonly p50?: number;
  readonly p99?: number;
  /** Processor time of the server, µs per I/O. */
  readonly cpu: number;
  /** Greatest resident memory of the server during the run, MiB. */
  readonly peak: number;
  /** The server's own memory after it, without pages of files, MiB. */
  readonly anonymous: number;
}

export type Figure = keyof Sample;

export const figures: readonly Figure[] = ["rate", "p50", "p99", "cpu", "peak", "anonymous"];

/** The runs against one server, in order. */
export interface SubjectSamples {
  readonly id: string;
  readonly title: string;
  readonly samples: readonly Sample[];
  /** Why there are none, or none after the last. */
  readonly problem?: string;
}

/** One workload on one stage. */
export interface CaseResult {
  /** Stage and workload, `file/4k-randread-d32`. */
  readonly id: string;
  readonly title: string;
  readonly unit: "IOPS" | "MB/s";
  /** Ours first. */
  readonly subjects: readonly SubjectSamples[];
}

/** A figure's values over the rounds. */
export function spreadOfFigure(subject: SubjectSamples, figure: Figure): Spread {
  return spreadOf(subject.samples.map((sample) => sample[figure]).filter((value) => value !== undefined));
}

/** A figure of ours divided by a peer's, round by round. */
export function ratiosToPeer(ours: SubjectSamples, peer: SubjectSamples, figure: Figure): number[] {
  const values = ({ samples }: SubjectSamples): number[] => samples.map((sample) => sample[figure] ?? Number.NaN);
  return pairRatios(values(ours), values(peer));
}

/** Named numbers, which targets are set for: `file/4k-randread-d32 rate ours/nbdkit-file`. */
export type Measures = Readonly<Record<string, Estimate>>;

/** A measure without a doubt. */
export function exactly(value: number): Estimate {
  return { value, low: value, high: value };
}

/** The medians of a case: of each server's figures, and of the ratios of ours to each peer's. */
export function measuresOfCase({ id, subjects }: CaseResult): Measures {
  const measures: Record<string, Estimate> = {};
  const put = (name: string, values: readonly number[]): void => {
    const known = values.filter(Number.isFinite);
    if (known.length > 0) measures[name] = estimateMedian(known);
  };
  const [ours, ...peers] = subjects;
  for (const figure of figures) {
    for (const { id: subject, samples } of subjects) {
      put(
        `${id} ${figure} ${subject}`,
        samples.map((sample) => sample[figure] ?? Number.NaN),
      );
    }
    for (const peer of peers) {
      if (ours !== undefined) put(`${id} ${figure} ours/${peer.id}`, ratiosToPeer(ours, peer, figure));
    }
  }
  return measures;
}
