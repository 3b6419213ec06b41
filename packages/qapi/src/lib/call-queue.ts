import { writeJson } from "@rehandle/json";
import { whenAborted, type AbortSignalLike } from "./abort-signal.ts";
import { QmpError } from "./qmp-error.ts";

/** A command on its way: somebody waits for what comes of it, unless it was aborted. */
export interface Call {
  readonly id: number;
  readonly command: string;
  readonly outOfBand: boolean;
  /** The request as it is sent. */
  readonly text: string;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** What is asked for. */
export interface CallRequest {
  readonly command: string;
  readonly args: unknown;
  readonly outOfBand: boolean;
  readonly signal: AbortSignalLike | undefined;
}

/** Commands that nobody sent yet, in their order. It outlives the connections that take from it. */
export class CallQueue {
  /** Tells whoever sends that there is something to send. */
  onCall: () => void = () => {};
  readonly #limit: number;
  readonly #inBand = new Set<Call>();
  readonly #outOfBand = new Set<Call>();
  #closedBy: QmpError | undefined;
  #lastId = 0;
  #pending = 0;

  /** `limit` is how many commands may wait at a time, sent or not. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Commands that somebody waits for, sent or not. */
  get pending(): number {
    return this.#pending;
  }

  /** Takes a command in; settles with what comes of it. */
  submit(request: CallRequest): Promise<unknown> {
    const { signal } = request;
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    if (this.#closedBy !== undefined) return Promise.reject(this.#closedBy);
    if (this.#pending >= this.#limit) {
      return Promise.reject(new QmpError(`${this.#limit} commands wait already`, "TooManyCommands"));
    }
    return new Promise((resolve, reject) => this.#add(request, resolve, reject));
  }

  /** The next command to send; what comes out of band comes first, and is all that comes if `onlyOutOfBand`. */
  take(onlyOutOfBand: boolean): Call | undefined {
    const calls = this.#outOfBand.size > 0 || onlyOutOfBand ? this.#outOfBand : this.#inBand;
    const { value } = calls.values().next();
    if (value !== undefined) calls.delete(value);
    return value;
  }

  /** Fails what waits here, and whatever comes later. */
  close(error: QmpError): void {
    if (this.#closedBy !== undefined) return;
    this.#closedBy = error;
    for (const call of [...this.#outOfBand, ...this.#inBand]) call.reject(error);
    this.#outOfBand.clear();
    this.#inBand.clear();
  }

  #add(request: CallRequest, resolve: (value: unknown) => void, reject: (error: unknown) => void): void {
    const { command, args, outOfBand, signal } = request;
    const id = ++this.#lastId;
    const text = writeJson({ [outOfBand ? "exec-oob" : "execute"]: command, arguments: args, id });
    const calls = outOfBand ? this.#outOfBand : this.#inBand;
    let isSettled = false;
    const settle = (): boolean => {
      if (isSettled) return false;
      isSettled = true;
      this.#pending--;
      forget();
      return true;
    };
    const call: Call = {
      id,
      command,
      outOfBand,
      text,
      resolve: (value) => void (settle() && resolve(value)),
      reject: (error) => void (settle() && reject(error)),
    };
    const forget = whenAborted(signal, (reason) => {
      calls.delete(call);
      call.reject(reason);
    });
    this.#pending++;
    calls.add(call);
    this.onCall();
  }
}
