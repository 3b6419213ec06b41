export { type DirtyListener, GuestMemory, MemoryPlace, type MemoryRegion } from "./lib/memory/guest-memory.ts";
export type { MemoryWindow } from "./lib/memory/memory-windows.ts";
export { MAX_CHAIN_PARTS } from "./lib/ring/chain-reader.ts";
export { createVirtqueue, MAX_QUEUE_SIZE } from "./lib/ring/create-virtqueue.ts";
export { DescriptorChain } from "./lib/ring/descriptor-chain.ts";
export { inflightBytes } from "./lib/ring/inflight-bytes.ts";
export type { QueuePosition, QueueSettings, Virtqueue, VirtqueueFeatures } from "./lib/ring/virtqueue.ts";
export { VirtioError, type VirtioErrorCode } from "./lib/virtio-error.ts";
export { createVirtioBlockDevice } from "./lib/device/create-virtio-block-device.ts";
export { DeviceStatus } from "./lib/device/device-phase.ts";
export { type RequestStatus, VirtioBlkRequestType, VirtioBlkStatus } from "./lib/device/request-type.ts";
export { VirtioBlkFeature, VirtioFeature } from "./lib/device/virtio-features.ts";
export type { VirtioBlockOptions } from "./lib/device/virtio-block-options.ts";
export type {
  LingeringRequest,
  StoppedQueue,
  StopOptions,
  VirtioBlockDevice,
} from "./lib/device/virtio-block-device.ts";
