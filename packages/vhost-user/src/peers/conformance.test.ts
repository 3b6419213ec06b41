import { describeDriverConformance, type ConformanceSubject } from "@rehandle/driver-sdk/conformance";
import { describe } from "vitest";
import { createVhostUserDriver } from "../lib/front-end/vhost-user-driver.ts";
import type { BackEnd, BackEndOptions } from "./testing/back-end.ts";
import { PEERS } from "./testing/peers.ts";

/** Over 4 GiB, so that offsets of more than 32 bits are tried; sparse. */
const SIZE = 2 ** 32 + 131_072;

/** A driver on a back end of its own. */
async function subject(start: (options: BackEndOptions) => Promise<BackEnd>): Promise<ConformanceSubject> {
  const backEnd = await start({ size: SIZE });
  const create = (): ReturnType<typeof createVhostUserDriver> => createVhostUserDriver({ path: backEnd.socket });
  return { driver: create(), reopen: create, cleanup: () => backEnd.remove() };
}

describe.each(PEERS)("$name", ({ start }) => {
  describeDriverConformance("driver-vhost-user", { create: () => subject(start) });
});
