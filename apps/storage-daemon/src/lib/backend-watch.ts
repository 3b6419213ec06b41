import type { BackendEvent, BlockBackend } from "@rehandle/core";
import type { Clock } from "@rehandle/driver-sdk";
import type { QmpServer } from "@rehandle/qapi";
import { count } from "./count.ts";
import { wordsOfErrno } from "./errno-words.ts";
import type { Log } from "./log.ts";
import type { DaemonSchema } from "./qmp-schema.ts";

/** Sends a QMP event. */
export type Emit = QmpServer<DaemonSchema>["emit"];

/** What a watch works with. */
export interface WatchParts {
  /** Node-name of the backend. */
  readonly name: string;
  /** Id of its drive; "" if none. */
  readonly device: string;
  readonly backend: BlockBackend;
  readonly clock: Clock;
  readonly log: Log;
  readonly emit: Emit;
}

type HangEvent = Extract<BackendEvent, { type: "hang" | "hang-timeout" }>;
type IoErrorEvent = Extract<BackendEvent, { type: "io-error" }>;

/** Turns what a backend tells into log lines and QMP events, and remembers what monitors ask for. */
export class BackendWatch {
  readonly name: string;
  readonly device: string;
  readonly backend: BlockBackend;
  /** Why the present outage began, or why it goes on. */
  reason: string | null = null;
  /** QEMU's io-status. */
  ioStatus: "ok" | "failed" | "nospace" = "ok";
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #emit: Emit;
  #lastLoss = "the way to the storage is lost";
  /** Counters as of the end of the last outage. */
  #heldBefore = 0;
  #replayedBefore = 0;
  /** The counter as of the beginning of the present outage: not every failure belongs to one. */
  #failedBefore = 0;

  constructor({ name, device, backend, clock, log, emit }: WatchParts) {
    this.name = name;
    this.device = device;
    this.backend = backend;
    this.#clock = clock;
    this.#log = log;
    this.#emit = emit;
    backend.subscribe((event) => this.#onEvent(event));
  }

  /** True if the io-status means something: QEMU keeps it where one direction may stop. */
  get keepsIoStatus(): boolean {
    const { read, write } = this.backend.policy;
    return read.action === "stop" || write.action === "stop" || write.action === "enospc";
  }

  /** The same in log, events and queries. */
  outageId(outage: number): string {
    return `${this.name}-${outage}`;
  }

  /** `resume` of a monitor. */
  resume(): void {
    this.ioStatus = "ok";
    this.backend.resume();
  }

  #onEvent(event: BackendEvent): void {
    switch (event.type) {
      case "hang":
        return event.set ? this.#onHang(event) : this.#onHangEnd(event);
      case "hang-timeout":
        return this.#onTimeout(event);
      case "io-error":
        return this.#onIoError(event);
      case "refused":
        return this.#onRefused(event.code, event.reason);
      case "connection":
        if (!event.connected) this.#lastLoss = event.reason;
        return;
      default:
        return this.#onNews(event);
    }
  }

  #onHang(event: HangEvent): void {
    this.reason = this.#firstError();
    this.#failedBefore = this.backend.statistics().failed;
    this.#log.write("warning", this.name, `outage ${this.outageId(event.outage)} began: ${this.reason}`);
    this.#emit("BLOCK_IO_HANG", this.#hangData(event));
  }

  #onTimeout(event: HangEvent): void {
    const outage = this.outageId(event.outage);
    if (event.set) {
      const seconds = this.backend.policy.iohangTimeoutMs / 1000;
      const message = `outage ${outage} timed out after ${seconds} s: requests fail now, until one succeeds`;
      this.#log.write("error", this.name, message);
    }
    this.#emit("BLOCK_IO_HANG_TIMEOUT", this.#hangData(event));
  }

  #onHangEnd(event: HangEvent): void {
    const { held, failed, replayLog } = this.backend.statistics();
    const seconds = Math.max(0, this.#clock.realtime() - event.since) / 1000;
    const heldInIt = held - this.#heldBefore;
    const replayed = replayLog.replayed - this.#replayedBefore;
    this.#heldBefore = held;
    this.#replayedBefore = replayLog.replayed;
    const failedInIt = failed - this.#failedBefore;
    const failures = failedInIt === 0 ? "" : `, ${failedInIt} failed`;
    const what = `${count(heldInIt, "request")} had been held${failures}, ${count(replayed, "write")} replayed`;
    const outage = this.outageId(event.outage);
    this.#log.write("info", this.name, `outage ${outage} over after ${seconds.toFixed(1)} s: ${what}`);
    this.#emit("BLOCK_IO_HANG", this.#hangData(event));
    this.reason = null;
  }

  #onIoError(event: IoErrorEvent): void {
    const { operation, action, nospace, code, errorClass, reason } = event;
    if (action === "stop") this.ioStatus = nospace ? "nospace" : "failed";
    const deed = action === "stop" ? "stopped until resume" : action === "ignore" ? "ignored" : "reported";
    const message = `${operation} failed, ${deed}: ${code} (${errorClass}): ${reason}`;
    this.#log.limited(`${operation} failed, ${deed}`, action === "stop" ? "error" : "warning", this.name, message);
    this.#emit("BLOCK_IO_ERROR", {
      device: this.device,
      "node-name": this.name,
      operation: operation === "read" || operation === "block-status" ? "read" : "write",
      action,
      ...(this.keepsIoStatus ? { nospace } : {}),
      // As QEMU says it; the log has the driver's words.
      reason: wordsOfErrno(code),
    });
  }

  #onRefused(code: string, reason: string): void {
    this.reason = `storage refused: ${reason}`;
    this.#log.limited("refused", "error", this.name, `storage refused, it is left alone: ${code}: ${reason}`);
    const { outage } = this.backend;
    this.#emit("BLOCK_STORAGE_REFUSED", {
      device: this.device,
      "node-name": this.name,
      ...(outage === null ? {} : { outage: this.outageId(outage.id) }),
      code,
      reason,
    });
  }

  #onNews(event: Extract<BackendEvent, { type: "replayed" | "replay-failed" | "congestion" | "resized" }>): void {
    const { name } = this;
    if (event.type === "replayed") {
      const what = `${count(event.count, "acknowledged write")} (${event.bytes} bytes)`;
      this.#log.limited("replayed", "info", name, `${what} written again: the server may have restarted`);
    } else if (event.type === "replay-failed") {
      const what = "acknowledged writes could not be written again yet, requests wait";
      this.#log.limited("replay failed", "warning", name, `${what}: ${event.code}: ${event.reason}`);
    } else if (event.type === "congestion") {
      const message = event.congested ? "congested: very many requests are held" : "no longer congested";
      this.#log.limited("congestion", event.congested ? "warning" : "info", name, message);
    } else {
      this.#log.limited("resized", "info", name, `the size is now ${event.size} bytes`);
    }
  }

  /** What the oldest held request met; one that was held without being tried met the loss of the connection. */
  #firstError(): string {
    const error = this.backend.heldRequests(1)[0]?.lastError;
    return error === undefined ? this.#lastLoss : `${error.code} (${error.errorClass}): ${error.message}`;
  }

  #hangData({ set, outage, since }: HangEvent): Parameters<Emit>[1] & { set: boolean } {
    return {
      set,
      device: this.device,
      "node-name": this.name,
      outage: this.outageId(outage),
      since: Math.round(since),
      held: this.backend.statistics().heldNow,
      ...(this.reason === null ? {} : { reason: this.reason }),
    };
  }
}
