import { EventEmitter } from "node:events";

/** One end of a pipe in memory, as far as a client or a server uses a socket. Bytes arrive at the other end soon. */
export class PipeEnd extends EventEmitter {
  readonly writableLength = 0;
  readonly #early: Uint8Array[] = [];
  other: PipeEnd | undefined;
  readonly #written: string[] = [];
  destroyed = false;

  write(bytes: Uint8Array): void {
    this.#written.push(Buffer.from(bytes).toString("latin1"));
    const { other } = this;
    void Promise.resolve().then(() => other?.arrive(bytes));
  }

  override on(event: string, listener: (...values: never[]) => void): this {
    super.on(event, listener as (...values: unknown[]) => void);
    if (event === "data")
      void Promise.resolve().then(() => this.#early.splice(0).forEach((bytes) => this.arrive(bytes)));
    return this;
  }

  /** Bytes come; as on a socket, they wait for somebody who takes them. */
  arrive(bytes: Uint8Array): void {
    if (this.listenerCount("data") === 0) this.#early.push(bytes);
    else this.emit("data", bytes);
  }

  /** Says something to whoever listens here, as if the peer had. */
  say(text: string): void {
    this.emit("data", Buffer.from(text));
  }

  /** The requests that were written here. */
  get sent(): { execute?: string; id?: unknown; [key: string]: unknown }[] {
    return this.#written.map((text) => JSON.parse(text) as Record<string, unknown>);
  }

  pause(): void {}

  resume(): void {}

  end(): void {
    this.destroy();
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.emit("close");
    void Promise.resolve().then(() => this.other?.destroy());
  }
}

/** A pipe: what is written at one end comes out at the other. */
export function createPipe(): readonly [PipeEnd, PipeEnd] {
  const [a, b] = [new PipeEnd(), new PipeEnd()];
  a.other = b;
  b.other = a;
  return [a, b];
}

/** What QEMU says when a client connects, and when it has negotiated. */
export const GREETING =
  '{"QMP": {"version": {"qemu": {"micro": 0, "minor": 2, "major": 7}, "package": ""}, "capabilities": ["oob"]}}\r\n';

/** The answer to the client's negotiation. */
export const NEGOTIATED = '{"return": {}, "id": "rehandle-negotiation"}\r\n';
