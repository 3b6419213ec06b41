import { createRandom, type BlockDriver } from "@rehandle/driver-sdk";
import { createMemoryDriver } from "@rehandle/driver-memory";
import { createNbdServer } from "@rehandle/nbd";
import { systemClock } from "./opened-driver.ts";

/** Serves sparse memory with this project's own server on a unix socket, until the function that it resolves with is called. */
export async function serveMemory(path: string, size: number): Promise<() => Promise<void>> {
  const storage: BlockDriver = createMemoryDriver({ size });
  await storage.open({ clock: systemClock, random: createRandom(1), held: false, onEvent: () => {} });
  const nbd = createNbdServer({ clock: systemClock, exports: [{ name: "", driver: storage, writable: true }] });
  await nbd.listen({ path });
  return async () => {
    await nbd.close({ graceMs: 100 });
    await storage.close();
  };
}
