import { isBlockError } from "@rehandle/driver-sdk";
import { QmpError } from "@rehandle/qapi";
import type { Node } from "./node.ts";

/** Changes the size of a node, as QEMU's `block_resize` does. @throws QmpError (as a rejection) in QEMU's words. */
export async function resizeNode(node: Node, size: number): Promise<void> {
  if (size < 0) throw new QmpError("Parameter 'size' expects a >0 size");
  const { driver, capabilities } = node;
  if (capabilities.readOnly) throw new QmpError("Image is read-only");
  if (!capabilities.resize || driver.resize === undefined) {
    throw new QmpError("Image format driver does not support resize");
  }
  if (size % capabilities.requestAlignment !== 0) {
    throw new QmpError(`size must be a multiple of ${capabilities.requestAlignment}`);
  }
  try {
    await driver.resize(size);
  } catch (error) {
    throw isBlockError(error) ? new QmpError(error.message) : error;
  }
}
