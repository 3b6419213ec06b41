import type { BlockDriver } from "../lib/block-driver.ts";
import type { BlockError } from "../lib/block-error.ts";
import { createRequest, type BlockRequest } from "../lib/block-request.ts";

/** What one step of a {@link runChain} asks for. */
export type ChainStep = Pick<BlockRequest, "operation" | "offset" | "length" | "iov">;

/**
 * Sends requests to a driver, one after the other, up to the first that fails; then calls `done`. Transfers over
 * `maxTransfer` are cut. A driver that completes at once is done before this returns, and takes no stack.
 */
export function runChain(
  driver: BlockDriver,
  steps: readonly ChainStep[],
  done: (error: BlockError | null) => void,
): void {
  const left = steps.flatMap((step) => cut(driver, step)).toReversed();
  let failed: BlockError | null = null;
  let inSubmit = false;
  let completed = false;
  const request = createRequest({
    complete: (_request, error) => {
      failed ??= error;
      completed = true;
      if (!inSubmit) advance();
    },
  });
  const advance = (): void => {
    for (;;) {
      const step = left.pop();
      if (step === undefined || failed !== null) return done(failed);
      Object.assign(request, step);
      completed = false;
      inSubmit = true;
      driver.submit(request);
      inSubmit = false;
      if (!completed) return undefined;
    }
  };
  advance();
}

function cut(driver: BlockDriver, step: ChainStep): ChainStep[] {
  const { maxTransfer, requestAlignment } = driver.capabilities;
  const [bytes] = step.iov;
  if (bytes === undefined) return [step];
  const longest = maxTransfer - (maxTransfer % requestAlignment);
  const pieces: ChainStep[] = [];
  for (let at = 0; at < step.length; at += longest) {
    const part = bytes.subarray(at, at + longest);
    pieces.push({ operation: step.operation, offset: step.offset + at, length: part.length, iov: [part] });
  }
  return pieces;
}
