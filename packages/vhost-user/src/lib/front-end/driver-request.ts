import type { BlockRequest } from "@rehandle/driver-sdk";
import type { BlockCommand, GuestRange } from "./block-queue.ts";

/** Not a guest address. */
export const NOWHERE = -1;

/** A driver's request on its way through guest memory. Pooled. */
export interface DriverRequest {
  request: BlockRequest | null;
  /** What is sent; `owner` is this object. */
  readonly command: BlockCommand;
  /** Its parts. */
  readonly data: GuestRange[];
  /** Guest address of its buffer, or {@link NOWHERE}. */
  address: number;
  /** Bytes of its buffer. */
  bytes: number;
  /** discard, write-zeroes: bytes that were sent; longer ranges than the device takes go in pieces. */
  sent: number;
}

/** A new one, whose command completes through `complete`. */
export function createDriverRequest(complete: BlockCommand["complete"]): DriverRequest {
  const data: GuestRange[] = [];
  const command: BlockCommand = { type: 0, sector: 0, data, deviceWrites: false, complete, owner: null };
  const made: DriverRequest = { request: null, command, data, address: NOWHERE, bytes: 0, sent: 0 };
  command.owner = made;
  return made;
}

/** Names `length` bytes from `address` on, in parts of `most` bytes at most. */
export function setParts(data: GuestRange[], address: number, length: number, most: number): void {
  let count = 0;
  for (let done = 0; done < length; done += most) {
    const part = (data[count] ??= { address: 0, length: 0 });
    part.address = address + done;
    part.length = Math.min(most, length - done);
    count += 1;
  }
  data.length = count;
}
