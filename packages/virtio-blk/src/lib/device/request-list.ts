import type { DeviceRequest } from "./device-request.ts";

/** The requests that a queue popped and did not push, in the order in which it popped them. */
export class RequestList {
  #first: DeviceRequest | null = null;
  #last: DeviceRequest | null = null;

  get isEmpty(): boolean {
    return this.#first === null;
  }

  append(request: DeviceRequest): void {
    request.prev = this.#last;
    request.next = null;
    if (this.#last === null) this.#first = request;
    else this.#last.next = request;
    this.#last = request;
  }

  remove(request: DeviceRequest): void {
    const { prev, next } = request;
    if (prev === null) this.#first = next;
    else prev.next = next;
    if (next === null) this.#last = prev;
    else next.prev = prev;
    request.prev = null;
    request.next = null;
  }

  /** Takes all out, oldest first. */
  takeAll(): DeviceRequest[] {
    const all: DeviceRequest[] = [];
    for (let request = this.#first; request !== null; request = request.next) all.push(request);
    this.#first = null;
    this.#last = null;
    return all;
  }
}
