/** How a monitor's bytes get to its peer. All calls return at once. */
export interface QmpTransport {
  /** Queues bytes, which nobody changes: other monitors may have got the same. */
  write(bytes: Uint8Array): void;
  /** Bytes that were written and that the peer has not yet taken, as `writableLength` of a socket. */
  pendingBytes(): number;
  /** Closes once all that was written is sent. */
  end(): void;
  /** Closes at once. */
  destroy(): void;
  /** Asks for no more bytes for the time being. Default: the peer is dropped if it sends far more than is worked off. */
  pause?(): void;
  /** Takes {@link pause} back. */
  resume?(): void;
}

/** The bytes of a text that holds nothing but ASCII. */
export function asciiBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
