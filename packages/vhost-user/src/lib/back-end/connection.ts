import { createMessageChannel } from "../channel.ts";
import type { MessageChannel, ReceivedMessage } from "../channel.ts";
import { HeaderFlag } from "../message-numbers.ts";
import { encodeU64 } from "../messages.ts";
import { VhostUserError } from "../vhost-user-error.ts";
import { acknowledges, handleMessage } from "./message-handlers.ts";
import type { Reply } from "./message-handlers.ts";
import { Session } from "./session.ts";
import type { SessionOptions } from "./session.ts";

/** Why a connection ended; null: the front end left. */
export type EndReason = VhostUserError | null;

/**
 * `open`: messages are carried out. `draining`: the owner ends it, requests may complete, messages wait. `closed`: all that it
 * took was given back.
 */
type ConnectionState = "open" | "draining" | "closed";

const NEXT_STATES: Readonly<Record<ConnectionState, readonly ConnectionState[]>> = {
  open: ["draining", "closed"],
  draining: ["closed"],
  closed: [],
};

/** A connection of one front end. */
export class Connection {
  readonly session: Session;
  readonly #channel: MessageChannel;
  readonly #onEnd: (reason: EndReason) => void;
  #state: ConnectionState = "open";

  /** Takes over `fd`. `onEnd` is called once, when all is given back; not from within the constructor. */
  constructor(options: Omit<SessionOptions, "onBroken">, fd: number, onEnd: (reason: EndReason) => void) {
    this.#onEnd = onEnd;
    this.session = new Session({ ...options, onBroken: (error) => this.end(toReason(error)) });
    this.#channel = createMessageChannel(options.calls, fd, {
      onMessage: (message) => this.#handle(message),
      onClose: (error) => this.end(error),
    });
  }

  /** Lets what is with the storage complete for up to `graceMs`, and ends it then. */
  async drain(graceMs: number): Promise<void> {
    if (this.#state !== "open") return;
    this.#moveTo("draining");
    await this.session.stopAll(graceMs);
    this.end(null);
  }

  /** Ends it at once. Harmless the second time. */
  end(reason: EndReason): void {
    if (this.#state === "closed") return;
    this.#moveTo("closed");
    this.#channel.close();
    this.session.close();
    this.#onEnd(reason);
  }

  /** To be called after a turn that may have touched the guest's memory. */
  checkFaults(): void {
    if (this.#state === "closed") return;
    try {
      this.session.checkFaults();
    } catch (error) {
      this.end(toReason(error));
    }
  }

  #moveTo(state: ConnectionState): void {
    if (!NEXT_STATES[this.#state].includes(state)) {
      throw new Error(`a vhost-user connection cannot go from ${this.#state} to ${state}`);
    }
    this.#state = state;
  }

  #handle(message: ReceivedMessage): void | Promise<void> {
    // Nothing is answered any more; the front end will find the connection closed.
    if (this.#state !== "open") return new Promise(() => undefined);
    try {
      const handled = handleMessage(this.session, message);
      if (!(handled instanceof Promise)) return this.#answer(message, handled);
      return handled.then(
        (reply) => this.#answer(message, reply),
        (error: unknown) => this.#refuse(message, error),
      );
    } catch (error) {
      return this.#refuse(message, error);
    }
  }

  #answer(message: ReceivedMessage, reply: Reply | undefined): void {
    if (reply !== undefined) {
      try {
        this.#send(message, reply.payload, reply.fd === undefined ? [] : [reply.fd]);
      } finally {
        if (reply.fd !== undefined) this.session.calls.close(reply.fd);
      }
    } else if (this.#wantsReply(message)) {
      this.#send(message, encodeU64(0n), []);
    }
    this.checkFaults();
  }

  /** Says so if the front end wants to hear it, and ends the connection: QEMU would give up on it, too. */
  #refuse(message: ReceivedMessage, error: unknown): never {
    if (this.#wantsReply(message)) this.#send(message, encodeU64(1n), []);
    throw toReason(error);
  }

  #wantsReply(message: ReceivedMessage): boolean {
    return (message.flags & HeaderFlag.NEED_REPLY) !== 0 && acknowledges(this.session);
  }

  #send(message: ReceivedMessage, payload: Uint8Array, fds: readonly number[]): void {
    this.#channel.send(message.request, HeaderFlag.REPLY, payload, fds);
  }
}

/** What a device says of settings that a front end made is the front end's mistake, too. */
function toReason(error: unknown): VhostUserError {
  if (error instanceof VhostUserError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && error.name === "VirtioError" ? "EPROTO" : "EIO";
  return new VhostUserError(message, code, error);
}
