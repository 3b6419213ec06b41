import { createMessageChannel } from "../channel.ts";
import type { MessageChannel } from "../channel.ts";
import { BackEndRequest, HeaderFlag } from "../message-numbers.ts";
import { decodeU64 } from "../messages.ts";
import type { SystemCalls } from "../system-calls.ts";
import { protocolError } from "../vhost-user-error.ts";

/** Tells the front end over its back-end channel that configuration space changed. */
export class ConfigNotifier {
  readonly #channel: MessageChannel;
  readonly #needReply: boolean;
  #waiting = false;
  #again = false;

  /** Takes over `fd`. With `needReply` the next message waits for the reply to the last one. */
  constructor(calls: SystemCalls, fd: number, needReply: boolean, onBroken: (error: Error) => void) {
    this.#needReply = needReply;
    this.#channel = createMessageChannel(calls, fd, {
      onMessage: ({ request, flags, payload }) => {
        const isReply = (flags & HeaderFlag.REPLY) !== 0 && request === BackEndRequest.CONFIG_CHANGE_MSG;
        if (!isReply || !this.#waiting) throw protocolError("the back-end channel brought what nobody asked for");
        // Whether it could make use of it is the front end's business.
        decodeU64(payload, "reply to VHOST_USER_BACKEND_CONFIG_CHANGE_MSG");
        this.#waiting = false;
        if (this.#again) this.notify();
      },
      // A front end may close it at any time: it is then no longer told.
      onClose: (error) => {
        if (error?.code === "EPROTO") onBroken(error);
      },
    });
  }

  notify(): void {
    this.#again = this.#waiting;
    if (this.#waiting) return;
    this.#waiting = this.#needReply;
    const flags = this.#needReply ? HeaderFlag.NEED_REPLY : 0;
    this.#channel.send(BackEndRequest.CONFIG_CHANGE_MSG, flags, new Uint8Array(0));
  }

  close(): void {
    this.#channel.close();
  }
}
