import {
  BlockError,
  type BlockRequest,
  type DriverCapabilities,
  type DriverEvent,
  type OpenContext,
} from "@rehandle/driver-sdk";
import { createBackoff } from "./backoff.ts";
import type { Connection, ConnectionOwner } from "./connection.ts";
import { ConnectionGroup } from "./connection-group.ts";
import { Dispatcher } from "./dispatcher.ts";
import type { NbdDriverSettings } from "./driver-options.ts";
import { nextState, type DriverState } from "./driver-state.ts";
import { establish, type Established, type FailedTry } from "./establish.ts";
import { ExportGuard } from "./export-guard.ts";
import type { PendingRequest } from "./pending-request.ts";
import { Reconnector } from "./reconnector.ts";

/** How long `close` waits for answers, ms. */
const CLOSE_TIMEOUT_MS = 2000;
/**
 * So many connections may wait for their end at the same time. While there are more, no new one is made: a server that
 * neither answers nor closes them would otherwise collect them without bound.
 */
const MAX_LINGERING = 32;

/** What there is once the driver was opened. */
interface Opened {
  readonly guard: ExportGuard;
  readonly dispatcher: Dispatcher;
}

/** The server as it comes and goes: makes connections, groups them, replaces them, and says so. */
export class Upstream implements ConnectionOwner {
  readonly #settings: NbdDriverSettings;
  readonly #context: OpenContext;
  readonly #reconnector: Reconnector<Established>;
  #state: DriverState = "new";
  #generation = 0;
  #group: ConnectionGroup | null = null;
  /** Connections of older groups whose requests are not over. */
  readonly #lingering = new Set<Connection>();
  /** Ends the making of further connections for the present group. */
  #growing: AbortController | null = null;
  #opened: Opened | null = null;
  #settleOpen: ((error: BlockError | null) => void) | null = null;
  #lastFailure: BlockError | null = null;
  #lastRefusal: string | null = null;

  constructor(settings: NbdDriverSettings, context: OpenContext) {
    const { clock, random } = context;
    const { reconnectBackoff, handshakeTimeoutMs } = settings;
    this.#settings = settings;
    this.#context = context;
    this.#reconnector = new Reconnector({
      clock,
      backoff: createBackoff(reconnectBackoff, random),
      timeoutMs: handshakeTimeoutMs,
      spacingMs: reconnectBackoff.initialMs ?? 100,
      attempt: (signal) => establish(settings, this.#generation + 1, this, { clock, signal }),
      onSuccess: (established) => this.#found(established),
      onFailure: (failure) => this.#failed(failure as FailedTry),
      discard: ({ connection }) => void connection.abort(),
    });
  }

  /** @throws BlockError `EBADF` before `open` resolved. */
  get capabilities(): DriverCapabilities {
    return this.#opened!.guard.capabilities;
  }

  /** See `BlockDriver.open`; the time limit is the `openTimeout` option. */
  async open(): Promise<DriverCapabilities> {
    const { clock, signal } = this.#context;
    const { openTimeoutMs } = this.#settings;
    this.#setState("opening");
    const giveUp = (error: BlockError): void => this.#settleOpen?.(error);
    const abort = (): void => giveUp(new BlockError("open was cancelled", { code: "ECANCELED", operation: "open" }));
    const outOfTime = (): void => giveUp(this.#lastFailure ?? openTimedOut(openTimeoutMs));
    const timer = openTimeoutMs > 0 ? clock.setTimer(openTimeoutMs, outOfTime) : null;
    signal?.addEventListener("abort", abort);
    try {
      await new Promise<void>((resolve, reject) => {
        this.#settleOpen = (error) => {
          this.#settleOpen = null;
          if (error === null) return resolve();
          this.#reconnector.stop();
          return reject(error);
        };
        if (signal?.aborted === true) abort();
        else this.#reconnector.start();
      });
      return this.capabilities;
    } catch (error) {
      if (this.#state === "opening") this.#setState("closed");
      throw error;
    } finally {
      timer?.cancel();
      signal?.removeEventListener("abort", abort);
    }
  }

  submit(request: BlockRequest): void {
    const { guard, dispatcher } = this.#opened!;
    guard.note(request);
    dispatcher.submit(request);
  }

  abandon(request: BlockRequest): boolean {
    return this.#opened!.dispatcher.abandon(request);
  }

  reconnectNow(): void {
    this.#reconnector.now();
  }

  /** See `BlockDriver.close`. Waits up to {@link CLOSE_TIMEOUT_MS} for answers. */
  async close(): Promise<void> {
    if (this.#state === "opening") {
      this.#settleOpen?.(new BlockError("the driver was closed", { code: "ECANCELED", operation: "open" }));
      return;
    }
    if (this.#state !== "connected" && this.#state !== "disconnected") return;
    this.#setState("closing");
    this.#reconnector.stop();
    this.#growing?.abort();
    const { dispatcher } = this.#opened!;
    await new Promise<void>((resolve) => {
      const timer = this.#context.clock.setTimer(CLOSE_TIMEOUT_MS, resolve);
      dispatcher.close(() => {
        timer.cancel();
        resolve();
      });
    });
    for (const connection of [...(this.#group?.connections ?? []), ...this.#lingering]) {
      dispatcher.cancel(connection.abort());
    }
    this.#group = null;
    this.#setState("closed");
  }

  answered(connection: Connection, answered: readonly PendingRequest[]): void {
    const shutdown = answered.find((pending) => pending.error?.code === "ESHUTDOWN")?.error;
    if (shutdown && this.#isPresent(connection)) this.#lose(shutdown);
    this.#opened!.dispatcher.answered(answered, connection.generation < this.#generation);
  }

  lost(connection: Connection, error: BlockError, unanswered: readonly PendingRequest[]): void {
    if (this.#isPresent(connection)) this.#lose(error);
    this.#opened?.dispatcher.unanswered(unanswered, error);
  }

  writable(): void {
    this.#opened?.dispatcher.schedule();
  }

  ended(connection: Connection): void {
    this.#lingering.delete(connection);
    this.#reconnect();
  }

  #isPresent(connection: Connection): boolean {
    return this.#group?.connections.includes(connection) === true;
  }

  /** The present group is of no use any more. */
  #lose(error: BlockError): void {
    const group = this.#group;
    if (group === null) return;
    this.#group = null;
    this.#growing?.abort();
    for (const connection of group.connections) if (connection.state !== "over") this.#lingering.add(connection);
    if (this.#state !== "connected") return group.retire();
    this.#setState("disconnected");
    this.#lastRefusal = null;
    group.retire();
    this.#emit({ type: "disconnected", error });
    this.#opened!.dispatcher.disconnected(error);
    this.#reconnect();
  }

  #reconnect(): void {
    if (this.#state === "disconnected" && this.#lingering.size < MAX_LINGERING) this.#reconnector.start();
  }

  /** A try failed. True if it was refused at once. */
  #failed({ error, refused }: FailedTry): boolean {
    this.#lastFailure = error;
    if (this.#state === "opening" && this.#settings.openTimeoutMs === 0) this.#settleOpen?.(error);
    return refused;
  }

  /** A try succeeded. False if what was found must not be used, or has gone already. */
  #found(established: Established): boolean {
    const { connection } = established;
    if (connection.state !== "active") return false;
    if (this.#state === "opening") {
      this.#begin(established);
      return true;
    }
    const { guard } = this.#opened!;
    const sizeBefore = guard.capabilities.size;
    const wrong = guard.admit(established);
    if (wrong !== null) {
      connection.abort();
      this.#refuse(wrong);
      return false;
    }
    this.#resume(connection, sizeBefore);
    return true;
  }

  /** The first connection. */
  #begin(established: Established): void {
    const context = this.#context;
    const group = this.#createGroup(established.connection);
    const guard = new ExportGuard(established, this.#settings.identity);
    const onSilence = (): void => this.#lose(new BlockError("the server does not answer", SILENCE));
    const { reconnectDelayMs } = this.#settings;
    const { clock } = context;
    const isHeld = (): boolean => context.held;
    const dispatcher = new Dispatcher({ clock, isHeld, reconnectDelayMs, onSilence }, guard.capabilities, group);
    this.#opened = { guard, dispatcher };
    this.#setState("connected");
    this.#grow(group);
    this.#settleOpen?.(null);
  }

  /** The server is back. */
  #resume(connection: Connection, sizeBefore: number): void {
    const { guard, dispatcher } = this.#opened!;
    const { capabilities } = guard;
    const group = this.#createGroup(connection);
    this.#setState("connected");
    dispatcher.setCapabilities(capabilities);
    dispatcher.connected(group);
    if (capabilities.size !== sizeBefore) this.#emit({ type: "resized", size: capabilities.size });
    this.#emit({ type: "connected", generation: group.generation, instance: null });
    if (this.#group === group) this.#grow(group);
  }

  /** Says so, but not with every try. */
  #refuse(error: BlockError): void {
    if (this.#lastRefusal === error.message) return;
    this.#lastRefusal = error.message;
    this.#emit({ type: "refused", error });
  }

  #createGroup(first: Connection): ConnectionGroup {
    this.#generation = first.generation;
    this.#group = new ConnectionGroup(first.generation, first);
    return this.#group;
  }

  /**
   * Makes the further connections of a group, all at once and only now: one that was made later could be to another
   * instance of the server, which a lost connection has not shown yet.
   */
  #grow(group: ConnectionGroup): void {
    const { connections } = this.#settings;
    const { guard, dispatcher } = this.#opened!;
    if (!guard.capabilities.multiConn || connections === 1) return;
    const growing = new AbortController();
    const { clock } = this.#context;
    const timer = clock.setTimer(this.#settings.handshakeTimeoutMs, () => growing.abort());
    this.#growing = growing;
    growing.signal.addEventListener("abort", () => timer.cancel(), { once: true });
    const tries = Array.from({ length: connections - 1 }, async () => {
      try {
        const settings = { ...this.#settings, identity: null };
        const further = await establish(settings, group.generation, this, { clock, signal: growing.signal });
        const { connection } = further;
        if (this.#group !== group || !guard.isSame(further)) connection.abort();
        else if (connection.state === "active") group.connections.push(connection);
        dispatcher.schedule();
      } catch {
        // The group does with fewer until the next reconnect.
      }
    });
    void Promise.all(tries).then(() => timer.cancel());
  }

  #emit(event: DriverEvent): void {
    if (this.#state === "connected" || this.#state === "disconnected") this.#context.onEvent(event);
  }

  #setState(state: DriverState): void {
    this.#state = nextState(this.#state, state);
  }
}

/** A request was abandoned: for its submitter the way is dead. */
const SILENCE = { code: "ETIMEDOUT", errorClass: "transport" } as const;

function openTimedOut(ms: number): BlockError {
  return new BlockError(`the server could not be opened within ${ms / 1000} s`, {
    code: "ETIMEDOUT",
    errorClass: "transport",
    operation: "open",
  });
}
