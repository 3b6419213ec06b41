import type { Clock } from "@rehandle/driver-sdk";

/** Resolves `ms` milliseconds from now. */
export function sleep(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimer(ms, resolve);
  });
}

/** The promise, or a rejection with `message` if it takes longer than `ms` milliseconds. */
export function within<T>(clock: Clock, ms: number, promise: Promise<T>, message: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimer(ms, () => reject(new Error(message)));
    promise.then(resolve, reject).finally(() => timer.cancel());
  });
}
