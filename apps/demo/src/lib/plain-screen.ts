import { count } from "./figures.ts";
import type { Line } from "./line.ts";
import { totals, type Sample } from "./sample.ts";
import type { Output, Screen } from "./screen.ts";

/** Between two lines about how it goes, ms. */
const INTERVAL = 1000;

/** A screen for logs: a line a second, and one for everything that happens. */
export function createPlainScreen(output: Output): Screen {
  let samples: Sample[] = [];
  let reported = 0;
  let failed = 0;
  const print = (text: string): void => void output.write(`${text}\n`);
  return {
    line: (line) => print(plainText(line)),
    beginAct(heading) {
      samples = [];
      reported = 0;
      failed = 0;
      print(plainText(heading));
      print("");
    },
    sample(sample) {
      samples.push(sample);
      if (sample.at - reported < INTERVAL) return;
      const recent = totals(samples);
      failed += recent.failed;
      print(progressLine(sample, (1000 * recent.completed) / (sample.at - reported), failed));
      samples = [];
      reported = sample.at;
    },
    note: (at, text) => print(`${stamp(at)}${text}`),
    endAct: () => print(""),
    close: () => undefined,
  };
}

function plainText(line: Line): string {
  return line
    .map(({ text }) => text)
    .join("")
    .trimEnd();
}

/** `   2.00 s  `. */
export function stamp(at: number): string {
  return `   ${(at / 1000).toFixed(2).padStart(5)} s  `;
}

function progressLine({ at, storageUp, hang, held }: Sample, rate: number, failed: number): string {
  const words = [
    storageUp ? "storage up  " : "storage DOWN",
    `${count(rate).padStart(6)} IOPS`,
    `${count(failed).padStart(5)} errors`,
    `${count(held).padStart(3)} held`,
    hang ? "HANG" : "",
  ];
  return `${stamp(at)}${words.join("   ")}`.trimEnd();
}
