import { createMessageChannel, type MessageChannel, type ReceivedMessage } from "../channel.ts";
import { BackEndRequest, FrontEndRequest, HeaderFlag } from "../message-numbers.ts";
import { encodeU64 } from "../messages.ts";
import type { SystemCalls } from "../system-calls.ts";
import type { Session } from "./session.ts";

/** Not understood: what a front end answers to a request that asks for an answer. */
const FAILED = 1n;

/**
 * Opens the way back (BACKEND_REQ): requests of the back end to the front end. The back end going away is seen on the
 * session.
 */
export async function openBackEndChannel(
  calls: SystemCalls,
  session: Session,
  onConfigChange: () => void,
): Promise<MessageChannel> {
  const [mine, theirs] = calls.socketPair();
  const channel = createMessageChannel(calls, mine, {
    onMessage(message: ReceivedMessage) {
      const known = message.request === BackEndRequest.CONFIG_CHANGE_MSG;
      if (known) onConfigChange();
      if ((message.flags & HeaderFlag.NEED_REPLY) !== 0) {
        channel.send(message.request, HeaderFlag.REPLY, encodeU64(known ? 0n : FAILED));
      }
    },
    onClose() {},
  });
  try {
    await session.command(FrontEndRequest.SET_BACKEND_REQ_FD, new Uint8Array(0), [theirs]);
    return channel;
  } catch (error) {
    channel.close();
    throw error;
  } finally {
    calls.close(theirs);
  }
}
