/** QAPI's error classes. New code uses `GenericError` and says the rest in words. */
export type QapiErrorClass =
  | "GenericError"
  | "CommandNotFound"
  | "DeviceNotActive"
  | "DeviceNotFound"
  | "KVMMissingCap";

/**
 * What went wrong: a class of QAPI as it is on the wire, or one of the client's own, which no server sends:
 *
 * - `ConnectionClosed`: the peer is gone, and the command was not sent.
 * - `ConnectionLost`: the peer is gone, the command was sent and may have run.
 * - `ProtocolError`: the peer does not speak QMP, or contradicts the schema.
 * - `TooManyCommands`: too many wait already; the command was not sent.
 */
export type QmpErrorClass =
  | QapiErrorClass
  | "ConnectionClosed"
  | "ConnectionLost"
  | "ProtocolError"
  | "TooManyCommands";

/** The one error type of this package. Match `class`, never `instanceof`: a program may hold two copies of this package. */
export class QmpError extends Error {
  override readonly name: string = "QmpError";
  readonly class: QmpErrorClass;
  /** For people; the same as `message`. */
  readonly desc: string;

  constructor(desc: string, errorClass: QmpErrorClass = "GenericError") {
    super(desc);
    this.class = errorClass;
    this.desc = desc;
  }
}

/** True for a {@link QmpError} of any copy of this package. */
export function isQmpError(value: unknown): value is QmpError {
  return value instanceof Error && value.name === "QmpError" && "class" in value && "desc" in value;
}
