import { createMemoryDriver, createMemoryStorage } from "@rehandle/driver-memory";
import { describeDriverConformance } from "@rehandle/driver-sdk/conformance";
import { createFaultDriver } from "@rehandle/driver-sdk/faults";
import { createRaid0Driver } from "./raid0-driver.ts";

describeDriverConformance("raid0 over three disks in memory", {
  create() {
    const storages = [400_000, 500_000, 1_000_000].map((size) => createMemoryStorage({ size, chunkSize: 4096 }));
    const driver = () => createRaid0Driver({ members: storages.map((storage) => createMemoryDriver({ storage })) });
    return { driver: driver(), reopen: driver };
  },
});

describeDriverConformance("raid0 with small stripes over unlike members, some of them slow", {
  create() {
    const members = [512, 4096].map((requestAlignment) => {
      const disk = createMemoryDriver({ size: 256 * 1024, capabilities: { requestAlignment } });
      return createFaultDriver(disk, { latency: requestAlignment === 512 ? 0 : [0, 2] });
    });
    return { driver: createRaid0Driver({ members, stripeSize: 8192 }) };
  },
  operations: 150,
});
