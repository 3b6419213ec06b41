/**
 * - `new`: not opened yet.
 * - `opening`: the first connection is being made.
 * - `connected`: there is a group of connections that takes requests.
 * - `disconnected`: there is none; one is being made.
 * - `closing`: what is in flight is waited for.
 * - `closed`: the end, also of an `open` that failed.
 */
export type DriverState = "new" | "opening" | "connected" | "disconnected" | "closing" | "closed";

const TRANSITIONS: Readonly<Record<DriverState, readonly DriverState[]>> = {
  new: ["opening", "closed"],
  opening: ["connected", "closing", "closed"],
  connected: ["disconnected", "closing"],
  disconnected: ["connected", "closing"],
  closing: ["closed"],
  closed: [],
};

/** The state that follows, if it may. @throws Error for a transition that is not in the table: a defect. */
export function nextState(from: DriverState, to: DriverState): DriverState {
  if (!TRANSITIONS[from].includes(to)) throw new Error(`the driver cannot go from ${from} to ${to}`);
  return to;
}
