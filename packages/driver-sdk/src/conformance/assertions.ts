import { isBlockError, type BlockError } from "../lib/block-error.ts";

/** Fails a check. */
export function fail(message: string): never {
  throw new Error(message);
}

export function assertThat(condition: boolean, message: string): asserts condition {
  if (!condition) fail(message);
}

/** Names the first byte that differs. */
export function assertBytes(actual: Uint8Array, expected: Uint8Array, what: string): void {
  assertThat(actual.length === expected.length, `${what}: ${actual.length} bytes instead of ${expected.length}`);
  for (let i = 0; i < actual.length; i += 1) {
    if (actual[i] !== expected[i]) fail(`${what}: byte ${i} of ${actual.length} is ${actual[i]}, not ${expected[i]}`);
  }
}

/** A request must have failed with this code. */
export function assertCode(error: BlockError | null, code: string, what: string): void {
  if (error === null) fail(`${what} succeeded instead of failing with ${code}`);
  assertThat(error.code === code, `${what} failed with ${error.code} (${error.message}), not with ${code}`);
}

/** A request must have succeeded. */
export function assertSucceeded(error: BlockError | null, what: string): void {
  if (error !== null) fail(`${what} failed with ${error.code}: ${error.message}`);
}

/** What a promise rejects with; fails if it resolves or if it is no BlockError. */
export async function rejectionOf(promise: Promise<unknown>, what: string): Promise<BlockError> {
  try {
    await promise;
  } catch (thrown) {
    if (isBlockError(thrown)) return thrown;
    return fail(`${what} rejected with something that is no BlockError: ${String(thrown)}`);
  }
  return fail(`${what} resolved instead of rejecting`);
}
