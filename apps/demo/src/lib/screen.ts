import type { DemoOptions } from "./demo-options.ts";
import { createLiveScreen } from "./live-screen.ts";
import { createPlainScreen } from "./plain-screen.ts";
import type { Line } from "./line.ts";
import type { Sample } from "./sample.ts";

/** Where the story is told. */
export interface Screen {
  /** Prints a line. Not within an act. */
  line(line: Line): void;
  /** An act begins, whose samples are so far apart. */
  beginAct(heading: Line, slotMs: number): void;
  /** Shows how it goes. */
  sample(sample: Sample): void;
  /** Something happened, so many ms after the act began. */
  note(at: number, text: string): void;
  /** The act is over. */
  endAct(): void;
  /** Leaves the terminal as it was. May be called at any time. */
  close(): void;
}

/** What is needed of `process.stdout`. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

/** The least that the live screen needs; below, its lines would wrap or scroll away while they are redrawn. */
const LEAST = { columns: 74, rows: 18 };

/** A screen that is redrawn, on a terminal that can, and otherwise one that prints a line now and then. */
export function createScreen(
  output: Output,
  environment: Readonly<Record<string, string | undefined>>,
  { plain, queueDepth }: Pick<DemoOptions, "plain" | "queueDepth">,
): Screen {
  if (plain || !canRedraw(output, environment)) return createPlainScreen(output);
  return createLiveScreen(output, queueDepth);
}

/** True for a terminal that knows escape sequences, is large enough, and whose user has not asked for plain text. */
export function canRedraw(output: Output, environment: Readonly<Record<string, string | undefined>>): boolean {
  const asked = (environment["NO_COLOR"] ?? "") !== "" || (environment["CI"] ?? "") !== "";
  if (asked || output.isTTY !== true || environment["TERM"] === "dumb") return false;
  return (output.columns ?? 0) >= LEAST.columns && (output.rows ?? 0) >= LEAST.rows;
}
