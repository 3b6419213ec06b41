/** The promise, or what a signal's abort means: `error`, or its reason. */
export function within<T>(promise: Promise<T>, signal: AbortSignal | undefined, error?: Error): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(error ?? (signal.reason as Error));
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject);
  });
}
