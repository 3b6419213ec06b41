import { JsonStream, type JsonValue, writeJson } from "@rehandle/json";
import { isQmpError, QmpError } from "./qmp-error.ts";
import { readRequest, requestId, type QmpRequest } from "./qmp-envelope.ts";
import { asciiBytes, type QmpTransport } from "./qmp-transport.ts";

/** What a session asks its server for. */
export interface SessionHost {
  /** The capabilities that a client may enable. */
  readonly capabilities: readonly string[];
  /** True if there is such a command. */
  hasCommand(name: string): boolean;
  allowsOob(name: string): boolean;
  /** The arguments of `qmp_capabilities`, checked. @throws QmpError */
  checkCapabilities(args: unknown): readonly string[];
  /** Checks the arguments and runs the command. @throws QmpError */
  run(command: string, args: unknown): unknown;
  /** Bytes that may wait for the peer before it is dropped. */
  readonly maxPendingBytes: number;
  ended(session: MonitorSession): void;
}

type SessionState = "negotiating" | "ready" | "closed";

/** Where a session may go from where it is. */
const TRANSITIONS: Readonly<Record<SessionState, readonly SessionState[]>> = {
  negotiating: ["ready", "closed"],
  ready: ["closed"],
  closed: [],
};

/** A text that waits for its turn: a value, or the error that it did not become one. */
type Input = { readonly value: JsonValue } | { readonly error: QmpError };

/** With this many texts waiting, as QEMU does, nothing more is read. */
const PAUSE_AT = 8;
/** What one read may bring beyond it. A peer that goes on for all that is dropped. */
const DROP_AT = 65_536;
/** With this many bytes not yet taken by the peer, no further command is answered. More than any socket's own mark. */
const WORK_BELOW = 256 * 1024;

/** One monitor: its state of negotiation, the texts that wait for their turn, and its output. */
export class MonitorSession {
  readonly #host: SessionHost;
  readonly #transport: QmpTransport;
  readonly #stream: JsonStream;
  #state: SessionState = "negotiating";
  #oob = false;
  #queue: Input[] = [];
  #next = 0;
  #busy = false;
  #paused = false;
  /** The peer sends nothing more. */
  #inputOver = false;

  constructor(host: SessionHost, transport: QmpTransport) {
    this.#host = host;
    this.#transport = transport;
    this.#stream = new JsonStream({
      value: (value) => this.#value(value),
      error: (message) => this.#enqueue({ error: new QmpError(message) }),
    });
  }

  /** True once events may be sent. */
  get isReady(): boolean {
    return this.#state === "ready";
  }

  receive(bytes: Uint8Array): void {
    if (this.#state !== "closed") this.#stream.feed(bytes);
  }

  /** The peer has taken what was written: goes on with what waits. */
  drained(): void {
    if (!this.#busy) this.#work();
    this.#endIfDone();
  }

  /** The peer sends nothing more: what it sent is answered, then the session ends. */
  inputEnded(): void {
    this.#inputOver = true;
    this.#endIfDone();
  }

  /** The peer is gone; commands that run go on and their replies are dropped. */
  closed(): void {
    if (this.#state === "closed") return;
    this.#setState("closed");
    this.#queue = [];
    this.#next = 0;
    this.#host.ended(this);
  }

  /** Sends what waits and closes. */
  end(): void {
    if (this.#state === "closed") return;
    this.#transport.end();
    this.closed();
  }

  /** Sends one message, or drops the peer if it has not taken what it got so far. */
  send(message: unknown): void {
    if (this.#state === "closed") return;
    const bytes = asciiBytes(`${writeJson(message)}\r\n`);
    const pending = this.#transport.pendingBytes();
    if (pending > 0 && pending + bytes.length > this.#host.maxPendingBytes) this.#drop();
    else this.#transport.write(bytes);
  }

  #setState(to: SessionState): void {
    if (!TRANSITIONS[this.#state].includes(to)) throw new Error(`monitor cannot go from ${this.#state} to ${to}`);
    this.#state = to;
  }

  #drop(): void {
    this.#transport.destroy();
    this.closed();
  }

  #value(value: JsonValue): void {
    if (!this.#oob || !isOutOfBand(value)) this.#enqueue({ value });
    else if (this.#state !== "closed") void this.#answer({ value });
  }

  #enqueue(input: Input): void {
    if (this.#state === "closed") return;
    this.#queue.push(input);
    if (!this.#busy) this.#work();
    const waiting = this.#queue.length - this.#next;
    if (waiting >= DROP_AT) this.#drop();
    else if (waiting >= PAUSE_AT && !this.#paused) {
      this.#paused = true;
      this.#transport.pause?.();
    }
  }

  /** Answers one text after the other until one has to be waited for. */
  #work(): void {
    while (this.#next < this.#queue.length) {
      if (this.#transport.pendingBytes() > WORK_BELOW) return;
      const input = this.#queue[this.#next++];
      const done = input === undefined ? undefined : this.#answer(input);
      if (done === undefined) continue;
      this.#busy = true;
      done.then(
        () => this.#goOn(),
        () => this.#drop(),
      );
      return;
    }
    this.#queue = [];
    this.#next = 0;
    if (!this.#paused || this.#state === "closed") return;
    this.#paused = false;
    this.#transport.resume?.();
  }

  #goOn(): void {
    this.#busy = false;
    this.#work();
    this.#endIfDone();
  }

  #endIfDone(): void {
    if (this.#inputOver && !this.#busy && this.#next === this.#queue.length) this.end();
  }

  /** Replies to one text, at once or, if it says so, later. */
  #answer(input: Input): Promise<void> | undefined {
    if ("error" in input) return this.#fail(input.error, undefined);
    const id = requestId(input.value);
    try {
      const result = this.#execute(readRequest(input.value, this.#oob));
      if (result instanceof Promise) return this.#later(result, id);
      this.#succeed(result, id);
    } catch (error) {
      this.#fail(error, id);
    }
    return undefined;
  }

  async #later(result: Promise<unknown>, id: JsonValue | undefined): Promise<void> {
    try {
      this.#succeed(await result, id);
    } catch (error) {
      this.#fail(error, id);
    }
  }

  #execute(request: QmpRequest): unknown {
    const { command, args } = request;
    if (this.#state === "negotiating") return this.#negotiate(command, args);
    if (!this.#host.hasCommand(command)) {
      throw new QmpError(`The command ${command} has not been found`, "CommandNotFound");
    }
    if (request.outOfBand && !this.#host.allowsOob(command)) {
      throw new QmpError(`The command ${command} does not support OOB`);
    }
    if (command !== "qmp_capabilities") return this.#host.run(command, args);
    this.#host.checkCapabilities(args);
    throw new QmpError("Capabilities negotiation is already complete, command ignored", "CommandNotFound");
  }

  #negotiate(command: string, args: unknown): undefined {
    if (command !== "qmp_capabilities") {
      throw new QmpError("Expecting capabilities negotiation with 'qmp_capabilities'", "CommandNotFound");
    }
    const wanted = this.#host.checkCapabilities(args);
    const lacking = [...new Set(wanted)].filter((name) => !this.#host.capabilities.includes(name));
    if (lacking.length > 0) throw new QmpError(`Capability ${lacking.join(", ")} not available`);
    this.#oob = wanted.includes("oob");
    this.#setState("ready");
    return undefined;
  }

  #succeed(result: unknown, id: JsonValue | undefined): void {
    this.send({ return: result ?? {}, id });
  }

  #fail(thrown: unknown, id: JsonValue | undefined): undefined {
    const desc = thrown instanceof Error ? thrown.message : String(thrown);
    const errorClass = isQmpError(thrown) ? thrown.class : "GenericError";
    this.send({ error: { class: errorClass, desc }, id });
    return undefined;
  }
}

function isOutOfBand(value: JsonValue): boolean {
  return typeof value === "object" && value !== null && "exec-oob" in value;
}
