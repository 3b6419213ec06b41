type Koffi = typeof import("koffi");

/** Where the first byte of a view is, as a number, which koffi takes for less than a view or a bigint. */
export type AddressOf = (view: Uint8Array) => number;

/**
 * Remembers the answers: memory stays where it is for as long as a view of it has bytes.
 * @throws RangeError (the function) for a view without bytes, as when its memory was transferred to somebody else.
 */
export function createAddressOf(koffi: Koffi): AddressOf {
  const known = new WeakMap<Uint8Array, number>();
  return (view) => {
    if (view.length === 0) throw new RangeError("the view has no memory");
    let address = known.get(view);
    if (address === undefined) {
      address = Number(koffi.address(view));
      known.set(view, address);
    }
    return address;
  };
}
