/**
 * Calls that may be under way in koffi at once, in the whole process: koffi refuses more than 256, and Node's thread pool
 * has four threads unless told otherwise.
 */
const MOST_CALLS = 64;

let underWay = 0;
const waiting: (() => void)[] = [];

/** Runs `call` now or when another one ended. */
export function admit(call: () => void): void {
  if (underWay === MOST_CALLS) {
    waiting.push(call);
    return;
  }
  underWay += 1;
  call();
}

/** A call that was admitted ended. */
export function release(): void {
  const next = waiting.shift();
  if (next === undefined) underWay -= 1;
  else next();
}
