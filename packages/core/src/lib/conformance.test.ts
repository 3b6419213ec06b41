import { createMemoryDriver, createMemoryStorage } from "@rehandle/driver-memory";
import { describeDriverConformance } from "@rehandle/driver-sdk/conformance";
import { createFaultDriver } from "@rehandle/driver-sdk/faults";

import { createBlockBackend } from "./block-backend.ts";

const SIZE = 2 * 1024 * 1024;

describeDriverConformance("rehandle over memory", {
  create() {
    const storage = createMemoryStorage({ size: SIZE });
    const over = () => createBlockBackend(createMemoryDriver({ storage }));
    return { driver: over(), reopen: over };
  },
});

describeDriverConformance("rehandle over rehandle over memory that fails one request in five", {
  create() {
    const storage = createMemoryStorage({ size: SIZE });
    const over = () => {
      const faults = createFaultDriver(createMemoryDriver({ storage }), {
        rules: [{ probability: 0.2, effect: { type: "error", code: "EIO" } }],
      });
      return createBlockBackend(createBlockBackend(faults, { backoff: { initialMs: 1, maxMs: 2 } }));
    };
    return { driver: over(), reopen: over };
  },
  operations: 100,
});

describeDriverConformance("rehandle over storage with a volatile cache and latency", {
  create() {
    const storage = createMemoryStorage({ size: SIZE });
    const over = () =>
      createBlockBackend(createFaultDriver(createMemoryDriver({ storage }), { volatileCache: true, latency: [0, 2] }), {
        replayLog: { maxBytes: 256 * 1024 },
        requestTimeout: 5_000,
      });
    return { driver: over(), reopen: over };
  },
  operations: 100,
});
