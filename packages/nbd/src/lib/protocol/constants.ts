/**
 * The numbers of the NBD protocol, under the names that its document gives them.
 * Source: https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md, and its branches
 * extension-ext-header and extension-resize.
 */

// ── Handshake ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** `NBDMAGIC`, the first 32-bit half of what a server says first. */
export const NBDMAGIC_HIGH = 0x4e42444d;
/** `NBDMAGIC`, the second half. */
export const NBDMAGIC_LOW = 0x41474943;
/** `IHAVEOPT`, the first half: newstyle servers say it second, and every option request starts with it. */
export const IHAVEOPT_HIGH = 0x49484156;
/** `IHAVEOPT`, the second half. */
export const IHAVEOPT_LOW = 0x454f5054;
/** The second magic of a dead oldstyle server (`cliserv_magic`), the first half. */
export const CLISERV_MAGIC_HIGH = 0x00004202;
/** The second magic of a dead oldstyle server, the second half. */
export const CLISERV_MAGIC_LOW = 0x81861253;
/** Magic of an option reply, the first half. */
export const NBD_OPT_REPLY_MAGIC_HIGH = 0x0003e889;
/** Magic of an option reply, the second half. */
export const NBD_OPT_REPLY_MAGIC_LOW = 0x045565a9;

/** Port of NBD when none is named. */
export const NBD_DEFAULT_PORT = 10809;
/** The longest string of the protocol, bytes of UTF-8. */
export const NBD_MAX_STRING = 4096;
/** The longest option data that a peer may send before it counts as an attack, bytes (QEMU's number). */
export const NBD_MAX_OPTION_LENGTH: number = 32 * 1024 * 1024;
/** The longest payload when no block-size constraints were exchanged, bytes. */
export const NBD_DEFAULT_MAX_PAYLOAD: number = 32 * 1024 * 1024;

/** Handshake flags of the server. */
export const NBD_FLAG_FIXED_NEWSTYLE = 1;
export const NBD_FLAG_NO_ZEROES = 2;
/** Handshake flags of the client. */
export const NBD_FLAG_C_FIXED_NEWSTYLE = 1;
export const NBD_FLAG_C_NO_ZEROES = 2;

/** Options. */
export const NBD_OPT_EXPORT_NAME = 1;
export const NBD_OPT_ABORT = 2;
export const NBD_OPT_LIST = 3;
export const NBD_OPT_STARTTLS = 5;
export const NBD_OPT_INFO = 6;
export const NBD_OPT_GO = 7;
export const NBD_OPT_STRUCTURED_REPLY = 8;
export const NBD_OPT_LIST_META_CONTEXT = 9;
export const NBD_OPT_SET_META_CONTEXT = 10;
export const NBD_OPT_EXTENDED_HEADERS = 11;

/** Option reply types. */
export const NBD_REP_ACK = 1;
export const NBD_REP_SERVER = 2;
export const NBD_REP_INFO = 3;
export const NBD_REP_META_CONTEXT = 4;
/** The bit that makes an option reply an error. */
export const NBD_REP_FLAG_ERROR = 0x80000000;
export const NBD_REP_ERR_UNSUP = 0x80000001;
export const NBD_REP_ERR_POLICY = 0x80000002;
export const NBD_REP_ERR_INVALID = 0x80000003;
export const NBD_REP_ERR_PLATFORM = 0x80000004;
export const NBD_REP_ERR_TLS_REQD = 0x80000005;
export const NBD_REP_ERR_UNKNOWN = 0x80000006;
export const NBD_REP_ERR_SHUTDOWN = 0x80000007;
export const NBD_REP_ERR_BLOCK_SIZE_REQD = 0x80000008;
export const NBD_REP_ERR_TOO_BIG = 0x80000009;
export const NBD_REP_ERR_EXT_HEADER_REQD = 0x8000000a;

/** Types of NBD_REP_INFO payloads. */
export const NBD_INFO_EXPORT = 0;
export const NBD_INFO_NAME = 1;
export const NBD_INFO_DESCRIPTION = 2;
export const NBD_INFO_BLOCK_SIZE = 3;

/** Transmission flags of an export. */
export const NBD_FLAG_HAS_FLAGS: number = 1 << 0;
export const NBD_FLAG_READ_ONLY: number = 1 << 1;
export const NBD_FLAG_SEND_FLUSH: number = 1 << 2;
export const NBD_FLAG_SEND_FUA: number = 1 << 3;
export const NBD_FLAG_ROTATIONAL: number = 1 << 4;
export const NBD_FLAG_SEND_TRIM: number = 1 << 5;
export const NBD_FLAG_SEND_WRITE_ZEROES: number = 1 << 6;
export const NBD_FLAG_SEND_DF: number = 1 << 7;
export const NBD_FLAG_CAN_MULTI_CONN: number = 1 << 8;
export const NBD_FLAG_SEND_RESIZE: number = 1 << 9;
export const NBD_FLAG_SEND_CACHE: number = 1 << 10;
export const NBD_FLAG_SEND_FAST_ZERO: number = 1 << 11;
export const NBD_FLAG_BLOCK_STATUS_PAYLOAD: number = 1 << 12;

// ── Transmission ─────────────────────────────────────────────────────────────────────────────────────────────────────

export const NBD_REQUEST_MAGIC = 0x25609513;
export const NBD_EXTENDED_REQUEST_MAGIC = 0x21e41c71;
export const NBD_SIMPLE_REPLY_MAGIC = 0x67446698;
export const NBD_STRUCTURED_REPLY_MAGIC = 0x668e33ef;
export const NBD_EXTENDED_REPLY_MAGIC = 0x6e8a278c;

/** Commands. */
export const NBD_CMD_READ = 0;
export const NBD_CMD_WRITE = 1;
export const NBD_CMD_DISC = 2;
export const NBD_CMD_FLUSH = 3;
export const NBD_CMD_TRIM = 4;
export const NBD_CMD_CACHE = 5;
export const NBD_CMD_WRITE_ZEROES = 6;
export const NBD_CMD_BLOCK_STATUS = 7;
export const NBD_CMD_RESIZE = 8;

/** Command flags. */
export const NBD_CMD_FLAG_FUA: number = 1 << 0;
export const NBD_CMD_FLAG_NO_HOLE: number = 1 << 1;
export const NBD_CMD_FLAG_DF: number = 1 << 2;
export const NBD_CMD_FLAG_REQ_ONE: number = 1 << 3;
export const NBD_CMD_FLAG_FAST_ZERO: number = 1 << 4;
export const NBD_CMD_FLAG_PAYLOAD_LEN: number = 1 << 5;

/** The flag of the last chunk of a structured reply. */
export const NBD_REPLY_FLAG_DONE = 1;

/** Chunk types of a structured reply. */
export const NBD_REPLY_TYPE_NONE = 0;
export const NBD_REPLY_TYPE_OFFSET_DATA = 1;
export const NBD_REPLY_TYPE_OFFSET_HOLE = 2;
export const NBD_REPLY_TYPE_BLOCK_STATUS = 5;
export const NBD_REPLY_TYPE_BLOCK_STATUS_EXT = 6;
export const NBD_REPLY_TYPE_ERROR = 0x8001;
export const NBD_REPLY_TYPE_ERROR_OFFSET = 0x8002;
/** The bit that makes a chunk an error. */
export const NBD_REPLY_TYPE_FLAG_ERROR = 0x8000;

/** Errors on the wire. */
export const NBD_SUCCESS = 0;
export const NBD_EPERM = 1;
export const NBD_EIO = 5;
export const NBD_ENOMEM = 12;
export const NBD_EINVAL = 22;
export const NBD_ENOSPC = 28;
export const NBD_EOVERFLOW = 75;
export const NBD_ENOTSUP = 95;
export const NBD_ESHUTDOWN = 108;

/** Status flags of `base:allocation`. */
export const NBD_STATE_HOLE = 1;
export const NBD_STATE_ZERO = 2;
/** Status flag of `qemu:dirty-bitmap:NAME`. */
export const NBD_STATE_DIRTY = 1;
/** The one meta context that the protocol itself defines. */
export const BASE_ALLOCATION = "base:allocation";

// ── Lengths of the fixed parts, bytes ────────────────────────────────────────────────────────────────────────────────

/** Magic, magic, handshake flags. */
export const SERVER_GREETING_LENGTH = 18;
export const CLIENT_FLAGS_LENGTH = 4;
export const OPTION_HEADER_LENGTH = 16;
export const OPTION_REPLY_HEADER_LENGTH = 20;
/** The answer to NBD_OPT_EXPORT_NAME without its zeroes. */
export const EXPORT_REPLY_LENGTH = 10;
/** The zeroes after it unless both sides agreed on NO_ZEROES. */
export const EXPORT_REPLY_ZEROES = 124;
export const REQUEST_HEADER_LENGTH = 28;
export const EXTENDED_REQUEST_HEADER_LENGTH = 32;
export const SIMPLE_REPLY_LENGTH = 16;
export const CHUNK_HEADER_LENGTH = 20;
export const EXTENDED_CHUNK_HEADER_LENGTH = 32;
/** The longest of the reply headers. */
export const MAX_REPLY_HEADER_LENGTH = 32;
