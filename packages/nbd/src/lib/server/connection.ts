import { type Clock, type Timer, toBlockError } from "@rehandle/driver-sdk";
import type { Sockets } from "@rehandle/linux-sockets";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket, type TlsOptions } from "node:tls";
import type { ExportTable } from "./export-table.ts";
import type { NbdExport } from "./nbd-export.ts";
import { type Agreement, Negotiation } from "./negotiation.ts";
import { StreamTransport } from "./stream-transport.ts";
import { type SharedResources, Transmission } from "./transmission.ts";
import { createRawTransport, type Transport, type TransportSink } from "./transport.ts";

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
  /** System calls on sockets; null: connections stay on Node's streams. */
  readonly sockets: () => Sockets | null;
  /** The negotiation is over; an export is in use. */
  readonly onOpened: (connection: Connection) => void;
  /** Everything is over. `error` is null if the client left in peace. */
  readonly onClosed: (connection: Connection, error: Error | null) => void;
  /** The requests that were still in flight then are over, too. */
  readonly onSettled: (connection: Connection) => void;
}

/** One client. */
export class Connection implements TransportSink {
  readonly #host: ConnectionHost;
  /** What the negotiation is on; null afterwards. */
  #stream: Duplex | null;
  /** What the transmission is on; null before. */
  #transport: Transport | null = null;
  #phase: ConnectionPhase = "negotiation";
  #deadline: Timer | null = null;
  #transmission: Transmission | null = null;
  #nbdExport: NbdExport | null = null;
  #shuttingDown = false;
  /** The client sends nothing more. */
  #inputEnded = false;
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

  /** The driver has requests of this client, even if it is gone. */
  get isBusy(): boolean {
    return this.#transmission !== null && this.#transmission.inFlight > 0;
  }

  /** Begins to talk. */
  start(): void {
    const { clock, shared, exports, tls } = this.#host;
    this.#deadline = clock.setTimer(shared.limits.handshakeTimeoutMs, () => {
      this.cut(new Error("the client did not finish the negotiation in time"));
    });
    const stream = this.#stream!;
    this.#watch(stream);
    const negotiation = new Negotiation(stream, {
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
    this.#close();
  }

  data(buffer: Buffer, length: number): void {
    // Whoever leaves does not look at what still comes.
    if (this.#phase === "transmission") this.#transmission!.receive(buffer, length);
  }

  ended(): void {
    this.#inputEnded = true;
    if (this.#phase === "leaving") this.#close();
    else this.#transmission?.endInput();
    this.hungUp();
  }

  /**
   * The client has closed its half of the connection, or all of it: TCP does not tell which. Without NBD_CMD_DISC that is a
   * hard disconnect, which has no claim to answers; some time for them is given nevertheless.
   */
  hungUp(): void {
    if (this.#phase !== "transmission" || this.#deadline !== null) return;
    this.#deadline = this.#host.clock.setTimer(this.#host.shared.limits.handshakeTimeoutMs, () => {
      if (!this.#transmission!.isDisconnecting) this.cut(new Error("the client hung up"));
    });
  }

  drained(): void {
    this.#transmission?.drained();
  }

  closed(error: Error | null): void {
    if (error === null) this.#close();
    else this.cut(error);
  }

  #enter(phase: ConnectionPhase): void {
    if (!NEXT[this.#phase].includes(phase)) throw new Error(`a connection went from ${this.#phase} to ${phase}`);
    this.#phase = phase;
  }

  #watch(stream: Duplex): void {
    stream.on("error", (error: Error) => {
      if (stream === this.#stream) this.cut(error);
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
    this.#deadline = null;
    if (this.#phase === "closed") return;
    const rest = this.#adopt();
    // Whoever withdrew the export while the client was told of it did not see this connection.
    if (agreement === null || !this.#host.exports.has(agreement.nbdExport)) this.#leave();
    else this.#transmit(agreement, rest);
  }

  /** From the negotiation's stream to a transport. Returns what the stream had received and the negotiation has not seen. */
  #adopt(): Buffer | null {
    const stream = this.#stream!;
    const sockets = stream instanceof Socket && !(stream instanceof TLSSocket) ? this.#host.sockets() : null;
    this.#stream = null;
    const taken = sockets?.take(stream as Socket) ?? null;
    if (taken === null) {
      this.#transport = new StreamTransport(stream, this);
      return null;
    }
    this.#transport = createRawTransport(sockets!, taken, this);
    return taken.unread;
  }

  #transmit({ nbdExport, terms, rest }: Agreement, unread: Buffer | null): void {
    this.#enter("transmission");
    this.#nbdExport = nbdExport;
    const transmission = new Transmission(this.#transport!, nbdExport, terms, this.#host.shared, {
      onFailed: (error) => this.cut(error),
      onFinished: () => this.#leave(),
      onSettled: () => this.#host.onSettled(this),
    });
    this.#transmission = transmission;
    this.#host.onOpened(this);
    if (this.#shuttingDown) transmission.shutDown();
    transmission.receive(unread === null ? rest : Buffer.concat([rest, unread]));
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
    const transport = this.#transport!;
    this.#deadline?.cancel();
    this.#deadline = this.#host.clock.setTimer(this.#host.shared.limits.handshakeTimeoutMs, () => this.#close());
    transport.end(() => {
      if (this.#inputEnded) this.#close();
    });
    transport.setReading(true);
  }

  #close(): void {
    if (this.#phase === "closed") return;
    this.#enter("closed");
    this.#deadline?.cancel();
    this.#stream?.destroy();
    this.#transport?.destroy();
    this.#transmission?.abort();
    this.#host.onClosed(this, this.#error);
  }
}
