import type { BlockRequest } from "@rehandle/driver-sdk";

/** Requests that wait for their turn, oldest first. */
export class RequestQueue {
  #requests: BlockRequest[] = [];
  /** Index of the oldest; everything before it left. */
  #head = 0;

  get length(): number {
    return this.#requests.length - this.#head;
  }

  push(request: BlockRequest): void {
    this.#requests.push(request);
  }

  /** Takes the oldest. */
  shift(): BlockRequest | undefined {
    const request = this.#requests[this.#head];
    if (request === undefined) return undefined;
    this.#head += 1;
    if (this.#head === this.#requests.length) {
      this.#requests.length = 0;
      this.#head = 0;
    } else if (this.#head >= 1024 && this.#head * 2 >= this.#requests.length) {
      this.#requests = this.#requests.slice(this.#head);
      this.#head = 0;
    }
    return request;
  }

  /** Takes one out of the middle. False if it is not here. */
  remove(request: BlockRequest): boolean {
    const index = this.#requests.indexOf(request, this.#head);
    if (index < 0) return false;
    this.#requests.splice(index, 1);
    return true;
  }
}
