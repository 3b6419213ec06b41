type Koffi = typeof import("koffi");

/** Where the first byte of a view is, as a number, which koffi takes for less than a view or a bigint. */
export type AddressOf = (view: Uint8Array) => number;

/**
 * Remembers where memory is, of which there are few, rather than where each view of it is: a guest's or a client's request has
 * a view of its own. Memory stays where it is for as long as a view of it has bytes.
 * @throws RangeError (the function) for a view without bytes, as when its memory was transferred to somebody else.
 */
export function createAddressOf(koffi: Koffi): AddressOf {
  const known = new WeakMap<ArrayBufferLike, number>();
  return (view) => {
    if (view.length === 0) throw new RangeError("the view has no memory");
    const { buffer, byteOffset } = view;
    let start = known.get(buffer);
    if (start === undefined) {
      start = Number(koffi.address(view)) - byteOffset;
      known.set(buffer, start);
    }
    return start + byteOffset;
  };
}
