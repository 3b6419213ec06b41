/**
 * - `negotiated`: connected, features are settled, no vring runs.
 * - `started`: the back end works on the vrings.
 * - `disconnected`: the back end is gone; memory, vrings and the inflight region are kept.
 * - `closed`: the end.
 */
export type FrontEndState = "negotiated" | "started" | "disconnected" | "closed";

const TRANSITIONS: Readonly<Record<FrontEndState, readonly FrontEndState[]>> = {
  negotiated: ["started", "disconnected", "closed"],
  started: ["negotiated", "disconnected", "closed"],
  disconnected: ["negotiated", "closed"],
  closed: [],
};

/** The state that follows, if it may. @throws Error for a transition that is not in the table. */
export function nextState(from: FrontEndState, to: FrontEndState): FrontEndState {
  if (!TRANSITIONS[from].includes(to)) throw new Error(`a front end that is ${from} cannot become ${to}`);
  return to;
}
