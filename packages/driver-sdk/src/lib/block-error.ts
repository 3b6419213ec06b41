import type { BlockOperation } from "./block-request.ts";

/** errno names that drivers use. Others are allowed; these are the ones that policies and protocols know. */
export type BlockErrorCode =
  | "EIO"
  | "ENOSPC"
  | "EROFS"
  | "EPERM"
  | "EACCES"
  | "EINVAL"
  | "ENOTSUP"
  | "ENOMEM"
  | "EDQUOT"
  | "EFBIG"
  | "ENOENT"
  | "ENODEV"
  | "EBADF"
  | "EBUSY"
  | "EOVERFLOW"
  | "ESHUTDOWN"
  | "ECANCELED"
  | "ECONNREFUSED"
  | "ECONNRESET"
  | "ENOTCONN"
  | "EPIPE"
  | "EPROTO"
  | "ESTALE"
  | "ETIMEDOUT"
  | (string & {});

/**
 * What kind of failure it was; the engine's policy looks at this first and at the code second.
 *
 * | class | meaning |
 * |---|---|
 * | `transport` | the way to the storage broke; the storage did not answer this request |
 * | `timeout` | nobody answered in time |
 * | `storage` | the storage answered that the I/O failed; it may succeed later |
 * | `no-space` | the storage is full (ENOSPC, EDQUOT) |
 * | `permanent` | sending the same request again cannot help (EROFS, EPERM, data known to be lost) |
 * | `invalid` | the request itself is wrong (EINVAL, out of range) |
 * | `unsupported` | the driver cannot do this (ENOTSUP) |
 * | `cancelled` | given up by the submitter or by a close; it did not and will not land |
 */
export type BlockErrorClass =
  | "transport"
  | "timeout"
  | "storage"
  | "no-space"
  | "permanent"
  | "invalid"
  | "unsupported"
  | "cancelled";

/** Everything that a {@link BlockError} says; also what `new BlockError` takes. */
export interface BlockErrorFields {
  code: BlockErrorCode;
  /** Default: what {@link classOfCode} says of the code. */
  errorClass?: BlockErrorClass;
  operation?: BlockOperation | "open" | "close" | "resize";
  /** Bytes. */
  offset?: number;
  /** Bytes. */
  length?: number;
  cause?: unknown;
}

const CLASS_OF_CODE: ReadonlyMap<string, BlockErrorClass> = new Map<string, BlockErrorClass>([
  ["EIO", "storage"],
  ["ENOSPC", "no-space"],
  ["EDQUOT", "no-space"],
  ["EFBIG", "no-space"],
  ["EROFS", "permanent"],
  ["EPERM", "permanent"],
  ["EACCES", "permanent"],
  ["ENOENT", "permanent"],
  ["ENODEV", "permanent"],
  ["EBADF", "permanent"],
  ["EINVAL", "invalid"],
  ["EOVERFLOW", "invalid"],
  ["ENOTSUP", "unsupported"],
  ["EOPNOTSUPP", "unsupported"],
  ["ENOSYS", "unsupported"],
  ["ECANCELED", "cancelled"],
  ["ECONNREFUSED", "transport"],
  ["ECONNRESET", "transport"],
  ["ECONNABORTED", "transport"],
  ["ENOTCONN", "transport"],
  ["EPIPE", "transport"],
  ["EPROTO", "transport"],
  ["ESHUTDOWN", "transport"],
  ["ENETUNREACH", "transport"],
  ["EHOSTUNREACH", "transport"],
  ["ENETDOWN", "transport"],
  ["EHOSTDOWN", "transport"],
  ["ESTALE", "transport"],
  ["ETIMEDOUT", "timeout"],
]);

/** The class that a bare errno name belongs to; `storage` for a name that is not known. */
export function classOfCode(code: BlockErrorCode): BlockErrorClass {
  return CLASS_OF_CODE.get(code) ?? "storage";
}

/**
 * The one error type of block requests. Match `error.code` and `error.errorClass`, never `instanceof`: a program may hold
 * two copies of this package.
 */
export class BlockError extends Error {
  override readonly name: string = "BlockError";
  readonly code: BlockErrorCode;
  readonly errorClass: BlockErrorClass;
  readonly operation: BlockErrorFields["operation"];
  readonly offset: number | undefined;
  readonly length: number | undefined;

  constructor(message: string, fields: BlockErrorFields) {
    super(message, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.code = fields.code;
    this.errorClass = fields.errorClass ?? classOfCode(fields.code);
    this.operation = fields.operation;
    this.offset = fields.offset;
    this.length = fields.length;
  }
}

/** True for a {@link BlockError} of any copy of this package. */
export function isBlockError(value: unknown): value is BlockError {
  return value instanceof Error && value.name === "BlockError" && "code" in value && "errorClass" in value;
}

/**
 * Makes a {@link BlockError} out of whatever was thrown: a BlockError stays as it is, an error with an errno-like `code`
 * (as Node's system errors have) keeps its code, and anything else becomes `EIO`.
 */
export function toBlockError(thrown: unknown, context: Omit<BlockErrorFields, "code" | "cause"> = {}): BlockError {
  if (isBlockError(thrown)) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new BlockError(message, { ...context, code: errnoOf(thrown) ?? "EIO", cause: thrown });
}

/** The errno name that an error carries in `code`, if it looks like one; the resolver's count, too. */
function errnoOf(thrown: unknown): string | undefined {
  if (typeof thrown !== "object" || thrown === null || !("code" in thrown)) return undefined;
  const { code } = thrown;
  return typeof code === "string" && /^E(AI_)?[A-Z0-9]+$/.test(code) ? code : undefined;
}
