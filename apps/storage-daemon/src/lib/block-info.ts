import type { BlockDeviceInfo, BlockInfo } from "@rehandle/qapi";
import { stat } from "node:fs/promises";
import type { BackendWatch } from "./backend-watch.ts";
import type { Node } from "./node.ts";
import { shownFileName } from "./shown-file-name.ts";

/** What `query-block` and `query-named-block-nodes` say of a node. */
export async function describeNode(node: Node): Promise<BlockDeviceInfo> {
  const filename = shownFileName(node);
  const actualSize = await allocatedBytes(node);
  return {
    file: filename,
    "node-name": node.name,
    ro: node.capabilities.readOnly,
    drv: node.options.driver,
    backing_file_depth: 0,
    encrypted: false,
    detect_zeroes: "off",
    bps: 0,
    bps_rd: 0,
    bps_wr: 0,
    iops: 0,
    iops_rd: 0,
    iops_wr: 0,
    image: {
      filename,
      format: node.options.driver,
      ...(actualSize === null ? {} : { "actual-size": actualSize }),
      "virtual-size": node.capabilities.size,
    },
    cache: { writeback: true, direct: node.flags.direct, "no-flush": false },
    write_threshold: 0,
  };
}

/** What `query-block` says of a drive. */
export async function describeDrive(id: string, node: Node | null, watch: BackendWatch | null): Promise<BlockInfo> {
  return {
    device: id,
    type: "unknown",
    removable: true,
    locked: false,
    ...(node === null ? {} : { inserted: await describeNode(node) }),
    ...(watch?.keepsIoStatus === true ? { "io-status": watch.ioStatus } : {}),
  };
}

async function allocatedBytes({ options, child }: Node): Promise<number | null> {
  if (child !== null) return allocatedBytes(child);
  if (options.driver !== "file") return null;
  const found = await stat(options.filename).catch(() => null);
  return found === null ? null : found.blocks * 512;
}
