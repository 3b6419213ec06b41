/** As much of an AbortSignal as is used here, so that the types of no host are needed. Any AbortSignal is one. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  /** What those who wait are told. */
  readonly reason?: unknown;
  /** Calls `listener` when it aborts. */
  addEventListener(type: "abort", listener: () => void): void;
  /** Ends that. */
  removeEventListener(type: "abort", listener: () => void): void;
}

/** Calls `onAbort` once when the signal aborts; call what is returned to hear no more of it. */
export function whenAborted(signal: AbortSignalLike | undefined, onAbort: (reason: unknown) => void): () => void {
  if (signal === undefined) return () => {};
  const listener = (): void => {
    signal.removeEventListener("abort", listener);
    onAbort(signal.reason);
  };
  signal.addEventListener("abort", listener);
  return () => signal.removeEventListener("abort", listener);
}
