import { readReference } from "./check-value.ts";
import { isQmpError } from "./qmp-error.ts";

/** What a server says of itself. */
export interface QmpGreeting {
  readonly version: {
    readonly qemu: { readonly major: number; readonly minor: number; readonly micro: number };
    readonly package: string;
  };
  readonly capabilities: readonly string[];
}

const GREETING = {
  types: {
    Triple: { struct: { major: "int", minor: "int", micro: "int" } },
    Version: { struct: { qemu: "Triple", package: "str" } },
    Greeting: { struct: { version: "Version", capabilities: ["str"] } },
  },
  commands: {},
  events: {},
} as const;

/** A greeting; undefined if it is none. What a newer server adds is left out. */
export function readGreeting(value: unknown): QmpGreeting | undefined {
  try {
    return readReference(GREETING, "Greeting", value, true) as QmpGreeting;
  } catch (error) {
    if (isQmpError(error)) return undefined;
    throw error;
  }
}
