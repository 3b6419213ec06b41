/** Bytes of a page of WebAssembly. */
const WASM_PAGE = 65_536;

/** The part of the WebAssembly API that is used; the types of Node do not declare it. */
interface Host {
  WebAssembly: { Memory: new (size: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer } };
}

/**
 * Zeroed memory whose address is a multiple of the page size, as O_DIRECT needs it. Node tells no addresses and aligns an ArrayBuffer to 16 bytes at
 * most, but a WebAssembly.Memory is mapped by itself, in whole pages. The system hands the pages out when they are touched.
 */
export function allocateAligned(bytes: number): Uint8Array {
  const pages = Math.max(1, Math.ceil(bytes / WASM_PAGE));
  const { Memory } = (globalThis as unknown as Host).WebAssembly;
  return new Uint8Array(new Memory({ initial: pages, maximum: pages }).buffer, 0, bytes);
}

/** Bytes of {@link sharedZeroes}. */
const ZEROES = 262_144;

let zeroes: Uint8Array | undefined;

/** Aligned zeroes, one piece for the whole process: to be written to storage, never to be written to. */
export function sharedZeroes(): Uint8Array {
  zeroes ??= allocateAligned(ZEROES);
  return zeroes;
}
