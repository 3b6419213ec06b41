import { describeDriverConformance } from "@rehandle/driver-sdk/conformance";
import { createMemoryDriver } from "./memory-driver.ts";
import { createMemoryStorage } from "./memory-storage.ts";

describeDriverConformance("memory", {
  create() {
    const storage = createMemoryStorage({ size: 2 ** 33 + 123, chunkSize: 4096 });
    return { driver: createMemoryDriver({ storage }), reopen: () => createMemoryDriver({ storage }) };
  },
  expected: (_offset, length) => new Uint8Array(length),
});

describeDriverConformance("memory, aligned to 4096", {
  create: () => ({ driver: createMemoryDriver({ size: 1024 * 1024 + 512, capabilities: { requestAlignment: 4096 } }) }),
});

describeDriverConformance("memory, read-only", {
  create: () => ({
    driver: createMemoryDriver({ size: 1024 * 1024, capabilities: { readOnly: true, resize: false } }),
  }),
});

describeDriverConformance("memory, nothing declared", {
  create: () => ({
    driver: createMemoryDriver({
      size: 300_001,
      capabilities: {
        maxTransfer: 70_000,
        flush: false,
        fua: false,
        discard: false,
        writeZeroes: false,
        blockStatus: false,
        resize: false,
      },
    }),
  }),
});

describeDriverConformance("memory, empty", { create: () => ({ driver: createMemoryDriver({ size: 0 }) }) });
