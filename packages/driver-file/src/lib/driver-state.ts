/** Where a driver is in its life. */
export type DriverState = "new" | "opening" | "open" | "closing" | "closed";

/** What may follow what. A driver that was closed is not opened again. */
export const NEXT_STATES: Readonly<Record<DriverState, readonly DriverState[]>> = {
  new: ["opening", "closed"],
  opening: ["open", "closing", "closed"],
  open: ["closing"],
  closing: ["closed"],
  closed: [],
};
