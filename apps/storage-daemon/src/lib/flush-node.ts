import { createBlockClient, type Clock } from "@rehandle/driver-sdk";
import type { Log } from "./log.ts";
import { isAway, type Node } from "./node.ts";

/** How long the last flush of a node may take, ms. */
const FLUSH_DEADLINE = 1000;

/** QEMU flushes what it closes. Storage that is away is not waited for, and one that does not answer not for long. */
export async function flushNode(node: Node, clock: Clock, log: Log): Promise<void> {
  if (node.capabilities.readOnly || !node.capabilities.flush) return;
  if (isAway(node)) return;
  let cancel = (): void => undefined;
  const late = new Promise<"late">((resolve) => {
    const timer = clock.setTimer(FLUSH_DEADLINE, () => resolve("late"));
    cancel = () => timer.cancel();
  });
  try {
    const done = await Promise.race([createBlockClient(node.driver).flush(), late]);
    if (done === "late") log.write("warning", node.name, "the last flush did not end in time");
  } catch (error) {
    log.write("warning", node.name, `the last flush failed: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    cancel();
  }
}
