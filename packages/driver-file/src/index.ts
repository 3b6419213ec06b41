export type { BatchContext, BatchContexts, BatchEnd } from "./lib/batch-context.ts";
export { NO_CACHED_READS, NOT_CACHED, type CachedReader } from "./lib/cached-reader.ts";
export { ALWAYS_WAITS, WOULD_WAIT, type CachedWriter } from "./lib/cached-writer.ts";
export { createFileDriver } from "./lib/create-file-driver.ts";
export type { FileDriverOptions } from "./lib/file-driver-options.ts";
export {
  nodeFileSystem,
  type Done,
  type FileStatus,
  type FileSystem,
  type Moved,
  type SystemError,
} from "./lib/file-system.ts";
export { FallocateMode, loadSystemCalls, SeekWhence, type SystemCalls } from "./lib/system-calls.ts";
