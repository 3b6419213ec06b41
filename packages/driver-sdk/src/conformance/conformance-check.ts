import type { DriverCapabilities } from "../lib/capabilities.ts";
import type { DriverProbe } from "./driver-probe.ts";

/** What is known of a subject when it is decided whether a check applies. */
export interface SubjectFacts {
  readonly capabilities: DriverCapabilities;
  /** The subject has a `reopen`. */
  readonly canReopen: boolean;
  /** The setup has an `expected`. */
  readonly knowsContent: boolean;
  /** Bytes from the beginning of the storage that checks may use; a multiple of the alignment. */
  readonly span: number;
}

/** One rule of the contract, with the code that tries it on a driver. Knows nothing of a test runner. */
export interface ConformanceCheck {
  /** What must hold, as a test name. Unique. */
  readonly name: string;
  /** The driver is given to `run` before it was opened. Default false. */
  readonly unopened?: boolean;
  /** Why the check does not apply to a subject; null if it does. */
  readonly skipReason?: (facts: SubjectFacts) => string | null;
  /** Rejects if the rule does not hold. Resolves with a note if it could not be tried after all. */
  readonly run: (probe: DriverProbe) => Promise<string | void>;
}

/** The first reason of several; null if there is none. */
export function firstReason(
  ...reasons: readonly ((facts: SubjectFacts) => string | null)[]
): (facts: SubjectFacts) => string | null {
  return (facts) => {
    for (const reason of reasons) {
      const found = reason(facts);
      if (found !== null) return found;
    }
    return null;
  };
}

/** Skips storage that cannot be written. */
export function unlessWritable({ capabilities }: SubjectFacts): string | null {
  return capabilities.readOnly ? "the storage is read-only" : null;
}

/** Skips drivers that do not declare a capability. */
export function unlessDeclared(
  name: "fua" | "discard" | "writeZeroes" | "fastZero" | "blockStatus" | "resize" | "abandon",
): (facts: SubjectFacts) => string | null {
  return ({ capabilities }) => (capabilities[name] ? null : `${name} is not declared`);
}

/** Skips storage of less than `blocks` blocks of 512 bytes or of the alignment, whichever is more. */
export function unlessBlocks(blocks: number): (facts: SubjectFacts) => string | null {
  return ({ capabilities, span }) => {
    const needed = blocks * Math.max(512, capabilities.requestAlignment);
    return span >= needed ? null : `the storage or the span is smaller than ${needed} bytes`;
  };
}
