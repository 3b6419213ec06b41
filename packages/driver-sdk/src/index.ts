export type { AbortSignalLike, BlockDriver, DriverEvent, OpenContext } from "./lib/block-driver.ts";
export {
  createBlockClient,
  type BlockClient,
  type BlockStatusOptions,
  type WriteOptions,
  type WriteZeroesOptions,
} from "./lib/block-client.ts";
export {
  BlockError,
  classOfCode,
  isBlockError,
  toBlockError,
  type BlockErrorClass,
  type BlockErrorCode,
  type BlockErrorFields,
} from "./lib/block-error.ts";
export {
  changesData,
  createRequest,
  RequestFlag,
  type BlockExtent,
  type BlockOperation,
  type BlockRequest,
} from "./lib/block-request.ts";
export { defineCapabilities, type DriverCapabilities } from "./lib/capabilities.ts";
export { checkRequest, iovLength } from "./lib/check-request.ts";
export { createSystemClock, type Clock, type Timer } from "./lib/clock.ts";
export { defineDriver } from "./lib/define-driver.ts";
export type { DeclaredCapabilities, DriverDefinition } from "./lib/driver-definition.ts";
export { copyFromIov, copyToIov, sliceIov } from "./lib/iov.ts";
export { createRandom, type Random } from "./lib/random.ts";
export { createVirtualClock, type VirtualClock, type VirtualClockOptions } from "./lib/virtual-clock.ts";
