import { createNbdDriver, type NbdServerAddress } from "@rehandle/driver-nbd";
import { createBlockClient, createRandom, isBlockError, type BlockClient } from "@rehandle/driver-sdk";
import { clock } from "./time.ts";
import type { Sandbox } from "./sandbox.ts";

/**
 * A client of the daemon's export on a unix socket, or on a TCP port of 127.0.0.1, which does not hold anything itself. With `held` it tells what became of the connection
 * as it is; without, as QEMU's driver does: EIO.
 */
export async function connectClient(
  sandbox: Sandbox,
  where: string | number,
  exportName: string,
  held = false,
): Promise<BlockClient> {
  const server: NbdServerAddress =
    typeof where === "string" ? { type: "unix", path: where } : { type: "inet", host: "127.0.0.1", port: where };
  const driver = createNbdDriver({ server, export: exportName });
  await driver.open({ clock, random: createRandom(1), held, onEvent: () => undefined });
  sandbox.atEnd(() => driver.close());
  return createBlockClient(driver);
}

/** How a request ended: null for success, else the errno name; and after how many ms. */
export async function timed(request: Promise<unknown>): Promise<{ code: string | null; ms: number }> {
  const start = clock.now();
  const code = await request.then(
    () => null,
    (error: unknown) => (isBlockError(error) ? error.code : String(error)),
  );
  return { code, ms: clock.now() - start };
}
