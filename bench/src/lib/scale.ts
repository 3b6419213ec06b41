/** Whether holding many requests costs each of them more than holding few. */
import type { HoldReport } from "./hold-report.ts";
import { ownProgram } from "./own-program.ts";
import type { Measures } from "./results.ts";
import { estimateMedian, median, pairRatios, spreadOf } from "./statistics.ts";
import { formatNumber, formatTable } from "./table.ts";
import type { Workshop } from "./workshop.ts";

/** Requests that are held at a time, few first. */
const COUNTS = [10_000, 100_000, 1_000_000] as const;
/** Of more rounds than that the greatest count would take too long. */
const MOST_ROUNDS = 3;

/** What one count of held requests took, in each round. */
export interface ScaleResult {
  readonly requests: number;
  /** Processor time for each request, held and released, ns. */
  readonly ns: readonly number[];
  /** Heap for each request while it is held, bytes. */
  readonly bytes: readonly number[];
}

/** Holds and releases each count in turns, each in a process of its own. */
export async function measureScale(
  workshop: Workshop,
  rounds: number,
  counts: readonly number[] = COUNTS,
): Promise<ScaleResult[]> {
  const results = counts.map((requests) => ({ requests, ns: [] as number[], bytes: [] as number[] }));
  for (let round = 0; round < Math.min(rounds, MOST_ROUNDS); round += 1) {
    for (const { requests, ns, bytes } of results) {
      const text = await workshop.run([...ownProgram("hold-load"), `${requests}`]);
      const report = JSON.parse(text) as HoldReport;
      ns.push(report.ns);
      bytes.push(report.bytes);
    }
  }
  return results;
}

export function formatScale(results: readonly ScaleResult[]): string {
  const rows = results.map(({ requests, ns, bytes }) => {
    const { min, median: middle, max } = spreadOf(ns);
    return [requests.toLocaleString("en"), ...[min, middle, max, median(bytes)].map(formatNumber)];
  });
  const header = ["requests", "min ns", "median ns", "max ns", "bytes of heap"];
  const title = "### scale: requests held and released on the virtual clock; what each takes";
  return [title, "", formatTable(header, rows)].join("\n");
}

/** By how much a request of the greatest count is dearer than one of the least, round by round: 1 is linear growth. */
export function measuresOfScale(results: readonly ScaleResult[]): Measures {
  const [few, many] = [results[0], results.at(-1)];
  if (few === undefined || many === undefined || few.ns.length === 0) return {};
  const growth = `${many.requests} held to ${few.requests}`;
  return {
    [`scale ns per request, ${growth}`]: estimateMedian(pairRatios(many.ns, few.ns)),
    [`scale bytes per request, ${growth}`]: estimateMedian(pairRatios(many.bytes, few.bytes)),
  };
}
