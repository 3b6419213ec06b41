export { createMemoryDriver, type MemoryDriverOptions } from "./lib/memory-driver.ts";
export { createMemoryStorage, type MemoryStorage, type MemoryStorageOptions } from "./lib/memory-storage.ts";
