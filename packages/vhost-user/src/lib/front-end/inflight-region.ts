import { FrontEndRequest } from "../message-numbers.ts";
import { decodeInflight, encodeInflight, type InflightDescription } from "../messages.ts";
import { protocolError } from "../vhost-user-error.ts";
import type { Session } from "./session.ts";

/**
 * The shared memory in which a back end notes what it has in flight. It is the back end's; a front end keeps it and hands it
 * to the next process.
 */
export interface InflightRegion {
  readonly fd: number;
  /** As the protocol has it. @hidden */
  readonly description: InflightDescription;
}

/** Has the back end make a region. The caller closes its descriptor. */
export async function getInflightRegion(
  session: Session,
  queues: { readonly numQueues: number; readonly queueSize: number },
): Promise<InflightRegion> {
  const asked = encodeInflight({ mmapSize: 0n, mmapOffset: 0n, ...queues });
  const { payload, fd } = await session.request(FrontEndRequest.GET_INFLIGHT_FD, asked);
  if (fd === null) throw protocolError("the back end sent no descriptor of an inflight region");
  const { mmapSize, mmapOffset } = decodeInflight(payload, "reply to VHOST_USER_GET_INFLIGHT_FD");
  return { fd, description: { mmapSize, mmapOffset, ...queues } };
}

/** Hands a region to a back end, perhaps another than the one that made it. */
export function setInflightRegion(session: Session, region: InflightRegion): Promise<void> {
  return session.command(FrontEndRequest.SET_INFLIGHT_FD, encodeInflight(region.description), [region.fd]);
}
