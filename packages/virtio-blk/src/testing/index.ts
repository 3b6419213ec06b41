export {
  BLOCK_HEADER_BYTES,
  type BlockRangeRecord,
  type BlockRequestLayout,
  type BlockRequestPart,
  encodeBlockHeader,
  encodeBlockRanges,
  layOutBlockRequest,
  STATUS_NOT_WRITTEN,
} from "./block-request.ts";
export { createDriverQueue } from "./create-driver-queue.ts";
export {
  type DriverBuffer,
  type DriverQueue,
  driverQueueBytes,
  type DriverQueueOptions,
  type UsedBuffer,
} from "./driver-queue.ts";
export { HostileDriver, type HostileDriverOptions } from "./hostile-driver.ts";
export { createAllocator, createTestMemory, type TestMemory, type TestMemoryOptions } from "./test-memory.ts";
