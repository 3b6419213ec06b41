/**
 * - `new`: not opened yet.
 * - `opening`: the first connection is being made.
 * - `connected`: requests are taken.
 * - `disconnected`: they are not; a connection is being made.
 * - `closing`: what is in flight is waited for.
 * - `closed`: the end, also of an `open` that failed.
 */
export type DriverState = "new" | "opening" | "connected" | "disconnected" | "closing" | "closed";

const TRANSITIONS: Readonly<Record<DriverState, readonly DriverState[]>> = {
  new: ["opening", "closed"],
  opening: ["connected", "closed"],
  connected: ["disconnected", "closing"],
  disconnected: ["connected", "closed"],
  closing: ["closed"],
  closed: [],
};

/** The state that follows, if it may. @throws Error for a transition that is not in the table: a defect. */
export function nextDriverState(from: DriverState, to: DriverState): DriverState {
  if (!TRANSITIONS[from].includes(to)) throw new Error(`the driver cannot go from ${from} to ${to}`);
  return to;
}
