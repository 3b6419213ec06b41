import { type Clock, type Timer, toBlockError } from "@rehandle/driver-sdk";
import type { Duplex } from "node:stream";
import type { TlsOptions } from "node:tls";
import type { ExportTable } from "./export-table.ts";
import type { NbdExport } from "./nbd-export.ts";
import { type Agreement, Negotiation } from "./negotiation.ts";
import { type SharedResources, Transmission } from "./transmission.ts";

/** Where a connection is in its life. */
export type ConnectionPhase = "negotiation" | "transmission" | "leaving" | "closed";

/** From each phase to those that may follow it. */
const NEXT: Readonly<Record<ConnectionPhase, readonly ConnectionPhase[]>> = {
  negotiation: ["transmission", "leaving", "closed"],
  transmission: ["leaving", "closed"],
  leaving: ["closed"],
  closed: [],
};

/** What a connection needs of its server. */
export interface ConnectionHost {
  readonly clock: Clock;
  readonly exports: ExportTable;
  readonly tls: TlsOptions | null;
  readonly shared: SharedResources;
  /** The negotiation is over; an export is in use. */
  readonly onOpened: (connection: Connection) => void;
  /** Everything is over. `error` is null if the client left in peace. */
  readonly onClosed: (connection: Connection, error: Error | null) => void;
}

/** One client. */
export class Connection {
  readonly #host: ConnectionHost;
  #stream: Duplex;
  #phase: ConnectionPhase = "negotiation";
  #deadline: Timer | null = null;
  #transmission: Transmission | null = null;
  #nbdExport: NbdExport | null = null;
  #shuttingDown = false;
  /** The client has said that it leaves: whatever goes wrong from now on is no error. */
  #peaceful = false;
  #error: Error | null = null;

  constructor(stream: Duplex, host: ConnectionHost) {
    this.#stream = stream;
    this.#host = host;
  }

  get phase(): ConnectionPhase {
    return this.#phase;
  }

  /** The export that is in use; null before the negotiation is over. */
  get nbdExport(): NbdExport | null {
    return this.#nbdExport;
  }

  /** Begins to talk. */
  start(): void {
    const { clock, shared, exports, tls } = this.#host;
    this.#deadline = clock.setTimer(shared.limits.handshakeTimeoutMs, () => {
      this.cut(new Error("the client did not finish the negotiation in time"));
    });
    this.#watch(this.#stream);
    const negotiation = new Negotiation(this.#stream, {
      exports,
      tls,
      isShuttingDown: () => this.#shuttingDown,
      onUpgrade: (stream) => this.#replaceStream(stream),
      onAbort: () => {
        this.#peaceful = true;
      },
    });
    negotiation.run().then(
      (agreement) => this.#negotiated(agreement),
      (error: unknown) => this.cut(toBlockError(error)),
    );
  }

  /** The storage takes requests again. */
  resume(): void {
    this.#transmission?.resume();
  }

  /** Ends the connection as soon as the client's requests in flight are answered. */
  shutDown(): void {
    this.#shuttingDown = true;
    this.#transmission?.shutDown();
  }

  /** Ends the connection now. */
  cut(error: Error): void {
    if (!this.#peaceful) this.#error ??= error;
    this.#stream.destroy();
    this.#close();
  }

  #enter(phase: ConnectionPhase): void {
    if (!NEXT[this.#phase].includes(phase)) throw new Error(`a connection went from ${this.#phase} to ${phase}`);
    this.#phase = phase;
  }

  #watch(stream: Duplex): void {
    stream.on("error", (error: Error) => this.cut(error));
    stream.on("close", () => {
      // The negotiation knows better what went wrong, and ends with it.
      if (this.#phase !== "negotiation") this.#close();
    });
  }

  #replaceStream(stream: Duplex): void {
    if (this.#phase === "closed") {
      stream.destroy();
      return;
    }
    this.#stream = stream;
    this.#watch(stream);
  }

  #negotiated(agreement: Agreement | null): void {
    this.#deadline?.cancel();
    if (this.#phase === "closed") return;
    if (agreement === null) this.#leave();
    else this.#transmit(agreement);
  }

  #transmit({ nbdExport, terms, rest }: Agreement): void {
    this.#enter("transmission");
    this.#nbdExport = nbdExport;
    const stream = this.#stream;
    const transmission = new Transmission(stream, nbdExport, terms, this.#host.shared, {
      onFailed: (error) => this.cut(error),
      onFinished: () => this.#leave(),
    });
    this.#transmission = transmission;
    stream.on("data", (chunk: Buffer) => transmission.receive(chunk));
    stream.on("end", () => transmission.endInput());
    this.#host.onOpened(this);
    if (this.#shuttingDown) transmission.shutDown();
    transmission.receive(rest);
  }

  /**
   * Everything is said: sends the end and waits for the client's. Closing at once could make TCP throw away replies that
   * the client has not read yet.
   */
  #leave(): void {
    if (this.#phase === "leaving" || this.#phase === "closed") return;
    this.#enter("leaving");
    this.#peaceful = true;
    this.#transmission?.abort();
    const stream = this.#stream;
    this.#deadline = this.#host.clock.setTimer(this.#host.shared.limits.handshakeTimeoutMs, () => stream.destroy());
    stream.on("end", () => stream.destroy());
    if (stream.readableEnded) stream.end(() => stream.destroy());
    else stream.end();
    stream.resume();
  }

  #close(): void {
    if (this.#phase === "closed") return;
    this.#enter("closed");
    this.#deadline?.cancel();
    this.#transmission?.abort();
    this.#host.onClosed(this, this.#error);
  }
}
