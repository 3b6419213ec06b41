import type { BlockError, BlockErrorClass, Clock, Timer } from "@rehandle/driver-sdk";

import type { Backoff } from "./backoff.ts";
import type { RecoveryCycle } from "./recovery-cycle.ts";
import type { Replayer } from "./replayer.ts";

/**
 * What is known of the way to the storage. `up`: requests go straight to the driver. `down`: the way is lost or silent, and
 * everything is held without being tried. `recovering`: it answers again; the log is written again, then the held requests.
 */
export type Health = "up" | "down" | "recovering";

/** What may follow what. */
const NEXT_HEALTH: Readonly<Record<Health, readonly Health[]>> = {
  up: ["down", "recovering"],
  down: ["recovering"],
  recovering: ["down", "up"],
};

/** What recovery needs of the engine. */
export interface RecoveryHost {
  readonly clock: Clock;
  readonly backoff: Backoff;
  /** Nothing is paused, stopped or drained. */
  readonly maySend: boolean;
  /** Held requests are queued. */
  readonly hasHeld: boolean;
  readonly isTimedOut: boolean;
  /** Milliseconds to wait before the next probe. */
  nextWait(): number;
  /** Sends one harmless read; ends in `onProbeDone`. */
  sendProbe(): void;
  /** An I/O succeeded: a hang that had timed out is over. */
  onIoSuccess(): void;
  /** Id of the outage that goes on; 0 if none. */
  readonly outage: number;
  /**
   * The storage answers without the driver having said that it is back. True if another instance may be behind it: then the
   * log has to be written again.
   */
  onReachable(): boolean;
  /** The way is lost: what waited for the end of a recovery has to be looked at. */
  onDown(): void;
  /** Requests may go straight to the driver again. */
  onUp(): void;
}

/** Decides when the storage is tried again: one probe, then the log, then the held requests. */
export class Recovery {
  #health: Health = "up";
  #disconnected = false;
  #timer: Timer | null = null;
  #probing = false;
  /** The outage in which a restart was reckoned with, since the last probe that failed. */
  #reckonedWith = 0;
  /** The next cycle ignores the per-request intervals. */
  eager = false;
  readonly #host: RecoveryHost;
  readonly #cycle: RecoveryCycle;
  readonly #replayer: Replayer;

  constructor(host: RecoveryHost, cycle: RecoveryCycle, replayer: Replayer) {
    this.#host = host;
    this.#cycle = cycle;
    this.#replayer = replayer;
  }

  get health(): Health {
    return this.#health;
  }

  get isUp(): boolean {
    return this.#health === "up";
  }

  /** The storage answers again and is looked after, or somebody just asked for it to be tried: the outcome is near. */
  get isUnderWay(): boolean {
    return this.#health === "recovering" || (this.#probing && this.eager);
  }

  /** The driver said that the way is lost, and has not said that it is back. */
  get disconnected(): boolean {
    return this.#disconnected;
  }

  /** A request is held because of an error of this class. */
  onHeld(errorClass: BlockErrorClass): void {
    if (errorClass === "transport" || errorClass === "timeout") this.#goDown();
    this.advance();
  }

  onDisconnected(): void {
    this.#disconnected = true;
    this.#cancelTimer();
    this.#goDown();
  }

  /** The driver is connected again. Requests are sent at once. */
  onConnected(): void {
    this.#disconnected = false;
    // A probe that the old connection never answered is forgotten with it.
    this.#probing = false;
    this.#host.backoff.reset();
    this.#cancelTimer();
    this.eager = true;
    if (this.#health !== "recovering") this.#moveTo("recovering");
    this.#cycle.abort();
    this.advance();
  }

  /** Tries at once, whatever the backoff says. */
  retryNow(): void {
    this.#host.backoff.reset();
    this.#cancelTimer();
    this.eager = true;
    // A probe that is still without an answer must not stand in the way of somebody who knows better.
    this.#probing = false;
    if (this.#health === "recovering") this.advance();
    else if (!this.#disconnected && !this.#cycle.active && this.#needsProbe()) this.#probe();
  }

  /** An attempt that was given up was answered after all: the storage is alive. */
  onLateAnswer(): void {
    if (!this.#probing && (this.#health === "down" || this.#timer !== null)) this.retryNow();
  }

  onProbeDone(error: BlockError | null): void {
    this.#probing = false;
    if (error !== null && (isUnreachable(error) || this.#health === "recovering")) {
      this.eager = false;
      this.#goDown();
      this.#host.onDown();
    } else if (error === null || error.errorClass !== "storage") {
      if (error === null) this.#host.onIoSuccess();
      if (this.#disconnected) return;
      if (this.#health === "down") {
        this.#host.onReachable();
        this.#moveTo("recovering");
      } else if (this.#health === "up" && this.#host.hasHeld && this.#host.maySend && !this.#cycle.active) {
        if (!this.#reckonWithRestart()) {
          this.#cycle.begin(false);
          return;
        }
        this.#moveTo("recovering");
      }
    } else {
      this.#reckonedWith = 0;
    }
    this.advance();
  }

  /**
   * Errors that the storage answered may have been those of a restart that nobody told. Once for an outage, and after each
   * probe that failed in it, the log is written again; not for each try at one bad sector.
   */
  #reckonWithRestart(): boolean {
    const { outage } = this.#host;
    if (this.#reckonedWith === outage) return false;
    this.#reckonedWith = outage;
    return this.#host.onReachable();
  }

  onReplayDone(): void {
    this.advance();
  }

  onReplayFailed(): void {
    this.#goDown();
    this.advance();
  }

  /** Nothing is left to send: whatever comes now goes straight to the driver. */
  onBacklogEmpty(): void {
    if (this.#health !== "recovering") return;
    this.#moveTo("up");
    this.#host.onUp();
  }

  onCycleEnd(): void {
    this.eager = false;
    if (!this.#host.hasHeld) this.#host.backoff.reset();
    this.onBacklogEmpty();
    this.advance();
  }

  /** A held request waits for no other any more. */
  onUnblocked(): void {
    if (this.#health === "up" && this.#host.maySend && !this.#cycle.active) this.#cycle.begin(false);
  }

  /** Looks at the state and does what is due. */
  advance(): void {
    const host = this.#host;
    if (this.#disconnected || !host.maySend) return;
    if (this.#health === "recovering") {
      if (this.#replayer.needed) this.#replayer.start();
      else if (host.isTimedOut) this.#probe();
      else this.#beginCycle();
    } else if (this.#needsProbe() && !this.#cycle.active) {
      this.#arm();
    }
  }

  /** Forgets the timer: for a pause, a drain, or close. */
  quiet(): void {
    this.#cancelTimer();
  }

  #needsProbe(): boolean {
    return this.#health !== "up" || this.#host.hasHeld || this.#host.isTimedOut;
  }

  #beginCycle(): void {
    if (!this.#cycle.active) this.#cycle.begin(true);
  }

  #goDown(): void {
    if (this.#health === "down") return;
    this.#moveTo("down");
    this.#cycle.abort();
    this.#host.onDown();
  }

  #moveTo(health: Health): void {
    if (!NEXT_HEALTH[this.#health].includes(health))
      throw new Error(`health cannot go from ${this.#health} to ${health}`);
    this.#health = health;
  }

  /** The timer is set only when nothing else is going on: failures that keep coming must not push it back. */
  #arm(): void {
    if (this.#timer !== null || this.#probing) return;
    this.#timer = this.#host.clock.setTimer(this.#host.nextWait(), () => {
      this.#timer = null;
      this.#probe();
    });
  }

  #probe(): void {
    if (this.#probing || !this.#host.maySend) return;
    this.#cancelTimer();
    this.#probing = true;
    this.#host.sendProbe();
  }

  #cancelTimer(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }
}

function isUnreachable(error: BlockError): boolean {
  return error.errorClass === "transport" || error.errorClass === "timeout" || error.errorClass === "cancelled";
}
