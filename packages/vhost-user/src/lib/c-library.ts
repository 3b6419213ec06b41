import type { VhostUserError } from "./vhost-user-error.ts";

/** Calls a C function of the process: numbers, bigints for addresses, typed arrays for buffers, strings. */
type CFunction<Result> = (...parameters: readonly (number | bigint | string | Uint8Array | null)[]) => Result;

/** What the C library offers, and the errno of the last call. */
export interface CLibrary {
  /** A function by its C prototype. koffi knows neither ssize_t nor off_t: write int64_t. */
  number(prototype: string): CFunction<number>;
  address(prototype: string): CFunction<bigint>;
  /** The error of the call that just failed. */
  failure(call: string): VhostUserError;
  /** The number of the last error. */
  errno(): number;
  view(address: bigint, length: number): ArrayBuffer;
}

/** Memory that stays where it is, for structures that hold addresses of each other. */
export interface Scratch {
  readonly address: bigint;
  readonly bytes: Uint8Array;
}
