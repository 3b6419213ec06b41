import { setTimeout as sleep } from "node:timers/promises";

/** Waits until `condition` holds. @throws Error with `what` after 10 s. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 10_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`waited 10 s in vain until ${what}`);
    await sleep(5);
  }
}

/** Rejects when `promise` did not settle within `ms`: what is waited for in a test must not wait for ever. */
export async function within<T>(what: string, promise: Promise<T>, ms = 10_000): Promise<T> {
  const abort = new AbortController();
  const late = sleep(ms, undefined, { signal: abort.signal, ref: false }).then(
    () => Promise.reject(new Error(`${what} took more than ${ms} ms`)),
    () => new Promise<never>(() => {}),
  );
  try {
    return await Promise.race([promise, late]);
  } finally {
    abort.abort();
  }
}
