export type { DirtyListener, MemoryRegion } from "./lib/memory/guest-memory.ts";
export { DescriptorChain } from "./lib/ring/descriptor-chain.ts";
export type { QueuePosition, QueueSettings, Virtqueue } from "./lib/ring/virtqueue.ts";
export type {
  LingeringRequest,
  StoppedQueue,
  StopOptions,
  VirtioBlockDevice,
} from "./lib/device/virtio-block-device.ts";
