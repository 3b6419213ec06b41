import { connect, type Socket } from "node:net";

/** An event of the daemon's. */
export interface QmpEvent {
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** What a monitor sends, as far as it is looked at. */
interface QmpMessage {
  readonly QMP?: unknown;
  readonly event?: string;
  readonly data?: Record<string, unknown>;
  readonly return?: unknown;
  readonly error?: { readonly class: string; readonly desc: string };
}

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A small client of a QMP monitor on a unix socket: commands one after another, and events. */
export class QmpClient {
  readonly #socket: Socket;
  readonly #onEvent: (event: QmpEvent) => void;
  /** Commands without an answer, in order, which is the order of the answers. The greeting answers the first. */
  readonly #waiting: Waiting[] = [];
  #text = "";

  private constructor(socket: Socket, onEvent: (event: QmpEvent) => void) {
    this.#socket = socket;
    this.#onEvent = onEvent;
    socket.setEncoding("utf8");
    socket.on("data", (text: string) => this.#read(text));
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#fail(new Error("the monitor closed the connection")));
  }

  /** Connects and ends the negotiation. @throws Error (as a rejection) of the system if nobody listens. */
  static async connect(path: string, onEvent: (event: QmpEvent) => void): Promise<QmpClient> {
    const client = new QmpClient(connect(path), onEvent);
    await new Promise((resolve, reject) => client.#waiting.push({ resolve, reject }));
    await client.execute("qmp_capabilities");
    return client;
  }

  /** Executes a command; resolves with what it returns. @throws Error (as a rejection) with the monitor's words. */
  execute(command: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) {
        reject(new Error("the monitor is not connected"));
        return;
      }
      this.#waiting.push({ resolve, reject });
      this.#socket.write(`${JSON.stringify({ execute: command, arguments: args })}\n`);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Every message is one line. */
  #read(text: string): void {
    const lines = (this.#text + text).split("\n");
    this.#text = lines.pop() ?? "";
    for (const line of lines) if (line.trim() !== "") this.#take(JSON.parse(line) as QmpMessage);
  }

  #take(message: QmpMessage): void {
    if (message.event !== undefined) this.#onEvent({ event: message.event, data: message.data ?? {} });
    else if (message.error === undefined) this.#waiting.shift()?.resolve(message.return);
    else this.#waiting.shift()?.reject(new Error(`${message.error.class}: ${message.error.desc}`));
  }

  #fail(error: Error): void {
    for (const waiting of this.#waiting.splice(0)) waiting.reject(error);
  }
}
