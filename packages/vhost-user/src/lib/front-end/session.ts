import type { Clock, Timer } from "@rehandle/driver-sdk";
import { createMessageChannel, type MessageChannel, type ReceivedMessage } from "../channel.ts";
import { frontEndRequestName, HeaderFlag } from "../message-numbers.ts";
import { decodeU64 } from "../messages.ts";
import type { SystemCalls } from "../system-calls.ts";
import { protocolError, VhostUserError } from "../vhost-user-error.ts";

/** What a back end answered. */
export interface Reply {
  readonly payload: Uint8Array;
  /** The descriptor that came along, the caller's to close; or null. */
  readonly fd: number | null;
}

/** What a session is made with. */
export interface SessionOptions {
  readonly calls: SystemCalls;
  readonly clock: Clock;
  /** A back end that has not answered for so long is given up, ms. */
  readonly replyTimeoutMs: number;
  /** Called once when the connection is lost, not after `close`. */
  readonly onLost: (error: VhostUserError) => void;
}

interface Expected {
  readonly request: number;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: VhostUserError) => void;
}

const NOTHING: Uint8Array = new Uint8Array(0);

/** The front end's side of one connection: requests and the replies to them, which come in the same order. */
export class Session {
  /** REPLY_ACK was negotiated: every command is acknowledged. */
  acknowledged = false;
  readonly #channel: MessageChannel;
  readonly #options: SessionOptions;
  readonly #expected: Expected[] = [];
  #timer: Timer | null = null;
  #lost: VhostUserError | null = null;

  /** Takes over `fd`, a connected unix socket. */
  constructor(fd: number, options: SessionOptions) {
    this.#options = options;
    this.#channel = createMessageChannel(options.calls, fd, {
      onMessage: (message) => this.#onMessage(message),
      onClose: (error) => this.#onClose(error),
    });
  }

  /** Sends a request that has a reply of its own. @throws VhostUserError if the connection is or gets lost. */
  request(request: number, payload: Uint8Array = NOTHING, fds: readonly number[] = []): Promise<Reply> {
    return this.#send(request, 0, payload, fds);
  }

  /**
   * Sends a request without a reply of its own. With REPLY_ACK it waits until the back end has done it.
   * @throws VhostUserError `EPROTO` if the back end says that it failed.
   */
  async command(request: number, payload: Uint8Array = NOTHING, fds: readonly number[] = []): Promise<void> {
    if (!this.acknowledged) {
      if (this.#lost !== null) throw this.#lost;
      this.#channel.send(request, 0, payload, fds);
      return;
    }
    const reply = await this.#send(request, HeaderFlag.NEED_REPLY, payload, fds);
    const failure = decodeU64(reply.payload, `reply to ${frontEndRequestName(request)}`);
    if (failure !== 0n) throw protocolError(`the back end refused ${frontEndRequestName(request)}: ${failure}`);
  }

  /** Hangs up; what waits for a reply is rejected. */
  close(): void {
    this.#channel.close();
    this.#end(new VhostUserError("the front end was closed", "ECANCELED"));
  }

  #send(request: number, flags: number, payload: Uint8Array, fds: readonly number[]): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.#lost !== null) return reject(this.#lost);
      this.#expected.push({ request, resolve, reject });
      this.#timer ??= this.#options.clock.setTimer(this.#options.replyTimeoutMs, () => this.#timedOut());
      return this.#channel.send(request, flags, payload, fds);
    });
  }

  #onMessage(message: ReceivedMessage): void {
    const expected = this.#expected.shift();
    const isReply = (message.flags & HeaderFlag.REPLY) !== 0;
    if (expected === undefined || !isReply || message.request !== expected.request) {
      const error = protocolError(`the back end sent ${frontEndRequestName(message.request)} unasked`);
      expected?.reject(error);
      throw error;
    }
    this.#timer?.cancel();
    const { clock, replyTimeoutMs } = this.#options;
    this.#timer = this.#expected.length === 0 ? null : clock.setTimer(replyTimeoutMs, () => this.#timedOut());
    expected.resolve({ payload: message.payload, fd: message.takeFd() });
  }

  #timedOut(): void {
    this.#timer = null;
    const request = frontEndRequestName(this.#expected[0]?.request ?? 0);
    this.#channel.close();
    this.#onClose(new VhostUserError(`the back end did not answer ${request}`, "ETIMEDOUT"));
  }

  #onClose(error: VhostUserError | null): void {
    const lost = error ?? new VhostUserError("the back end closed the connection", "ECONNRESET");
    if (this.#end(lost)) this.#options.onLost(lost);
  }

  /** True the first time. */
  #end(error: VhostUserError): boolean {
    if (this.#lost !== null) return false;
    this.#lost = error;
    this.#timer?.cancel();
    for (const { reject } of this.#expected.splice(0)) reject(error);
    return true;
  }
}
