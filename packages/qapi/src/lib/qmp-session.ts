import { isJsonObject, type JsonLimits, JsonStream, type JsonValue, writeJson } from "@rehandle/json";
import { isQmpError, QmpError } from "./qmp-error.ts";
import { readRequest, requestId, type QmpRequest } from "./qmp-envelope.ts";
import { asciiBytes, type QmpTransport } from "./qmp-transport.ts";
import { UnreadBytes } from "./unread-bytes.ts";

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
  /** Bounds of one text of the peer's. */
  readonly limits: Partial<JsonLimits>;
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

/** With oob, as QEMU does, nothing more is read while so many texts wait; without, while one waits or runs. */
const OOB_QUEUE = 8;
/** Bytes that may wait unread, unless they came all at once. A peer whose transport goes on for all that is dropped. */
const DROP_AT = 1024 * 1024;
/** With this many bytes not yet taken by the peer, no further command is answered. More than any socket's own mark. */
const WORK_BELOW = 256 * 1024;

/** One monitor: its state of negotiation, the texts that wait for their turn, and its output. */
export class MonitorSession {
  readonly #host: SessionHost;
  readonly #transport: QmpTransport;
  readonly #stream: JsonStream;
  #state: SessionState = "negotiating";
  #oob = false;
  readonly #unread = new UnreadBytes();
  /** Texts that wait for their turn. */
  #queue: Input[] = [];
  /** A command runs. */
  #busy = false;
  /** A command that came out of band runs. */
  #oobBusy = false;
  #isReading = false;
  #paused = false;
  /** The peer sends nothing more. */
  #inputOver = false;

  constructor(host: SessionHost, transport: QmpTransport) {
    this.#host = host;
    this.#transport = transport;
    this.#stream = new JsonStream(
      {
        value: (value) => this.#value(value),
        error: (message) => this.#enqueue({ error: new QmpError(message) }),
      },
      host.limits,
    );
  }

  /** True once events may be sent. */
  get isReady(): boolean {
    return this.#state === "ready";
  }

  receive(bytes: Uint8Array): void {
    if (this.#state === "closed") return;
    const isFirst = this.#unread.first === undefined;
    this.#unread.push(bytes);
    if (!isFirst && this.#unread.cost > DROP_AT) this.#drop();
    else this.#read();
  }

  /** The peer has taken what was written: goes on with what waits. */
  drained(): void {
    this.#work();
    this.#read();
  }

  /** The peer sends nothing more: what it sent is answered, then the session ends. */
  inputEnded(): void {
    this.#inputOver = true;
    this.#read();
  }

  /** The peer is gone; commands that run go on and their replies are dropped. */
  closed(): void {
    if (this.#state === "closed") return;
    this.#setState("closed");
    this.#queue = [];
    this.#unread.clear();
    this.#stream.stop();
    this.#host.ended(this);
  }

  /** Sends what waits and closes. */
  end(): void {
    if (this.#state === "closed") return;
    this.#transport.end();
    this.closed();
  }

  /** Sends one message, as {@link encodeMessage} made it, or drops the peer if it has not taken what it got so far. */
  send(bytes: Uint8Array): void {
    if (this.#state === "closed") return;
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

  /** Looks at what came, as far as it is its turn. */
  #read(): void {
    // A handler may bring more bytes; those of now come first.
    if (this.#isReading) return;
    this.#isReading = true;
    for (let piece = this.#unread.first; piece !== undefined && this.#mayRead; piece = this.#unread.first) {
      this.#unread.take(this.#stream.feed(piece));
    }
    this.#isReading = false;
    if (this.#state === "closed") return;
    if (this.#inputOver && this.#isIdle) this.end();
    else this.#setPaused(!this.#mayRead);
  }

  /** Nothing is left to answer. */
  get #isIdle(): boolean {
    return !this.#busy && !this.#oobBusy && this.#queue.length === 0 && this.#unread.first === undefined;
  }

  get #mayRead(): boolean {
    if (this.#state === "closed" || this.#oobBusy) return false;
    return this.#oob ? this.#queue.length < OOB_QUEUE : !this.#busy && this.#queue.length === 0;
  }

  #setPaused(paused: boolean): void {
    if (paused === this.#paused) return;
    this.#paused = paused;
    if (paused) this.#transport.pause?.();
    else this.#transport.resume?.();
  }

  #value(value: JsonValue): void {
    if (this.#oob && isOutOfBand(value)) this.#overtake(value);
    else this.#enqueue({ value });
  }

  /** As in QEMU, nothing is read while it runs. */
  #overtake(value: JsonValue): void {
    const done = this.#answer({ value });
    if (done === undefined) return;
    this.#oobBusy = true;
    this.#stream.stop();
    void done.then(() => {
      this.#oobBusy = false;
      this.#read();
    });
  }

  #enqueue(input: Input): void {
    if (this.#state === "closed") return;
    this.#queue.push(input);
    this.#work();
    if (!this.#mayRead) this.#stream.stop();
  }

  /** Answers one text after the other until one has to be waited for. */
  #work(): void {
    while (!this.#busy && this.#transport.pendingBytes() <= WORK_BELOW) {
      const input = this.#queue.shift();
      if (input === undefined) return;
      const done = this.#answer(input);
      if (done === undefined) continue;
      this.#busy = true;
      void done.then(() => this.#goOn());
    }
  }

  #goOn(): void {
    this.#busy = false;
    this.#work();
    this.#read();
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
    this.send(encodeMessage({ return: result ?? {}, id }));
  }

  #fail(thrown: unknown, id: JsonValue | undefined): undefined {
    const desc = thrown instanceof Error ? thrown.message : String(thrown);
    const errorClass = isQmpError(thrown) ? thrown.class : "GenericError";
    this.send(encodeMessage({ error: { class: errorClass, desc }, id }));
    return undefined;
  }
}

function isOutOfBand(value: JsonValue): boolean {
  return isJsonObject(value) && "exec-oob" in value && !("execute" in value);
}

/** A message as it is on the wire: one line of ASCII. Nobody may change the bytes: several monitors may get the same. */
export function encodeMessage(message: unknown): Uint8Array {
  return asciiBytes(`${writeJson(message)}\r\n`);
}
