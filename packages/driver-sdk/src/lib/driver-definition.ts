import type { OpenContext } from "./block-driver.ts";
import type { BlockExtent } from "./block-request.ts";
import { BlockError } from "./block-error.ts";
import { defineCapabilities, type DriverCapabilities } from "./capabilities.ts";

/** What `open` of a {@link DriverDefinition} resolves with. */
export type DeclaredCapabilities = Partial<DriverCapabilities> & Pick<DriverCapabilities, "size">;

/**
 * A driver in plain async functions, for `defineDriver`. Offsets and lengths are bytes, and were checked against the
 * capabilities before a function is called; a length is never 0. Whatever a function throws fails the request: a
 * `BlockError` as it is, an error with an errno name in `code` with that code, anything else with `EIO`.
 * Several calls may run at the same time, in no particular order.
 */
export interface DriverDefinition {
  /** What kind of driver it is, e.g. `http`. */
  readonly name: string;
  /**
   * Makes the storage ready. Resolves with its size and with what the functions below cannot tell, such as
   * `requestAlignment`, `maxTransfer`, `fua` or `instance`. A `false` for something that has a function (`discard: false`)
   * says that this storage cannot do it.
   */
  open(context: OpenContext): Promise<DeclaredCapabilities> | DeclaredCapabilities;
  /** Fills `buffer`, which is this call's own, with the bytes from `offset` on. */
  read(offset: number, buffer: Uint8Array): Promise<void> | void;
  /** Writes `data`, which is this call's own. Without this function the storage is read-only. */
  write?(offset: number, data: Uint8Array, options: { readonly fua: boolean }): Promise<void> | void;
  /** Makes every completed write stable. */
  flush?(): Promise<void> | void;
  /** Lets go of a range, whose content is undefined afterwards. */
  discard?(offset: number, length: number, options: { readonly fua: boolean }): Promise<void> | void;
  /** Makes a range read as zeroes. `noFallback` is set only if `fastZero` is declared. */
  writeZeroes?(
    offset: number,
    length: number,
    options: { readonly fua: boolean; readonly mayUnmap: boolean; readonly noFallback: boolean },
  ): Promise<void> | void;
  /**
   * The extents from `offset` on, at least one. They may cover less than `length`, and may reach further: the wrapper cuts
   * what the caller must not see.
   */
  blockStatus?(
    offset: number,
    length: number,
    options: { readonly reqOne: boolean },
  ): Promise<readonly BlockExtent[]> | readonly BlockExtent[];
  /** Changes the size. The wrapper then sends the event `resized`. */
  resize?(size: number): Promise<void> | void;
  /** Lets go of the storage. Called once, after a successful `open`. What it throws is ignored. */
  close?(): Promise<void> | void;
  /** As `BlockDriver.reconnectNow`. */
  reconnectNow?(): void;
  /**
   * How long `close` waits for the functions above, milliseconds ≥ 0, before it fails the requests in flight with
   * `ECANCELED` and resolves. Default 5000.
   */
  readonly closeTimeout?: number;
}

/**
 * The capabilities that follow from a definition's functions and from what its `open` declared.
 * @throws BlockError `EINVAL` if something is declared that has no function.
 */
export function deriveCapabilities(definition: DriverDefinition, declared: DeclaredCapabilities): DriverCapabilities {
  const has = (name: "flush" | "discard" | "writeZeroes" | "blockStatus" | "resize"): boolean => {
    const present = definition[name] !== undefined;
    if (declared[name] === true && !present) throw undeclarable(`declares ${name} but has no function for it`);
    return present && declared[name] !== false;
  };
  if (declared.readOnly === false && definition.write === undefined)
    throw undeclarable("has no write but is not readOnly");
  if (declared.fastZero === true && !has("writeZeroes")) throw undeclarable("declares fastZero without writeZeroes");
  return defineCapabilities({
    ...declared,
    readOnly: declared.readOnly === true || definition.write === undefined,
    flush: has("flush"),
    discard: has("discard"),
    writeZeroes: has("writeZeroes"),
    blockStatus: has("blockStatus"),
    resize: has("resize"),
    zeroCopy: false,
    abandon: true,
  });
}

function undeclarable(what: string): BlockError {
  return new BlockError(`the driver ${what}`, { code: "EINVAL", operation: "open" });
}
