/** Old spellings of `-drive` and the names that errors and drivers use. */
export const DRIVE_ALIASES: ReadonlyMap<string, string> = new Map([
  ["iops", "throttling.iops-total"],
  ["iops_rd", "throttling.iops-read"],
  ["iops_wr", "throttling.iops-write"],
  ["bps", "throttling.bps-total"],
  ["bps_rd", "throttling.bps-read"],
  ["bps_wr", "throttling.bps-write"],
  ["iops_max", "throttling.iops-total-max"],
  ["iops_rd_max", "throttling.iops-read-max"],
  ["iops_wr_max", "throttling.iops-write-max"],
  ["bps_max", "throttling.bps-total-max"],
  ["bps_rd_max", "throttling.bps-read-max"],
  ["bps_wr_max", "throttling.bps-write-max"],
  ["iops_size", "throttling.iops-size"],
  ["group", "throttling.group"],
  ["readonly", "read-only"],
]);

/** What `-drive` itself understands of its keys and a help lists; the rest belongs to the block driver. */
export const DRIVE_KEYS = {
  file: { type: "str", values: "file", help: "file name of the image, a path, nbd:… or json:{…}" },
  id: { type: "str", help: "name of the drive" },
  if: {
    type: "str",
    values: ["none", "ide", "scsi", "floppy", "pflash", "mtd", "sd", "virtio", "xen"],
    help: "interface",
    default: "none",
  },
  bus: { type: "number", help: "bus number" },
  unit: { type: "number", help: "unit number on the bus" },
  index: { type: "number", help: "index over all buses of the interface" },
  media: { type: "str", values: ["disk", "cdrom"], help: "media type", default: "disk" },
  format: { type: "str", help: "disk format (raw, …)" },
  driver: { type: "str", help: "block driver of the node; another word for format" },
  snapshot: { type: "bool", help: "write to a temporary file instead of the image", default: "off" },
  "read-only": { type: "bool", help: "open the image as read-only", default: "off" },
  "copy-on-read": { type: "bool", help: "copy what is read from the backing file into the image", default: "off" },
  cache: {
    type: "str",
    values: ["none", "writeback", "writethrough", "directsync", "unsafe"],
    help: "sets the three cache.*",
  },
  "cache.writeback": { type: "bool", help: "the guest sees a write cache", default: "on" },
  "cache.direct": { type: "bool", help: "bypass the host's page cache", default: "off" },
  "cache.no-flush": { type: "bool", help: "ignore flush requests", default: "off" },
  aio: {
    type: "str",
    values: ["threads", "native", "io_uring"],
    help: "host I/O",
    default: "threads",
  },
  discard: {
    type: "str",
    values: ["ignore", "unmap"],
    help: "what to do on discard",
    default: "ignore",
  },
  "detect-zeroes": {
    type: "str",
    values: ["off", "on", "unmap"],
    help: "turn writes of zeroes into write-zeroes",
    default: "off",
  },
  werror: {
    type: "str",
    values: ["ignore", "enospc", "stop", "report", "retry"],
    help: "write error action",
    default: "enospc",
  },
  rerror: {
    type: "str",
    values: ["ignore", "stop", "report", "retry"],
    help: "read error action",
    default: "report",
  },
  "iohang-timeout": {
    type: "number",
    help: "seconds that failed I/O is held before it is reported, 0 is off",
    default: "0",
  },
  retry_interval: { type: "number", help: "ms between two tries under werror or rerror=retry", default: "1000" },
  retry_timeout: {
    type: "number",
    help: "ms after which werror or rerror=retry reports the error, 0 is never",
    default: "0",
  },
  "write-retry-interval": { type: "number", help: "ms between two tries of a failed write" },
  "write-retry-timeout": { type: "number", help: "ms that a failed write is tried before werror acts" },
  "read-retry-interval": { type: "number", help: "ms between two tries of a failed read" },
  "read-retry-timeout": { type: "number", help: "ms that a failed read is tried before rerror acts" },
} as const;

/** Limits of a drive, which the help does not list. */
export const THROTTLING_KEYS = {
  "throttling.bps-total": { type: "number", default: "0" },
  "throttling.bps-total-max": { type: "number", default: "0" },
  "throttling.bps-total-max-length": { type: "number", default: "1" },
  "throttling.bps-read": { type: "number", default: "0" },
  "throttling.bps-read-max": { type: "number", default: "0" },
  "throttling.bps-read-max-length": { type: "number", default: "1" },
  "throttling.bps-write": { type: "number", default: "0" },
  "throttling.bps-write-max": { type: "number", default: "0" },
  "throttling.bps-write-max-length": { type: "number", default: "1" },
  "throttling.iops-total": { type: "number", default: "0" },
  "throttling.iops-total-max": { type: "number", default: "0" },
  "throttling.iops-total-max-length": { type: "number", default: "1" },
  "throttling.iops-read": { type: "number", default: "0" },
  "throttling.iops-read-max": { type: "number", default: "0" },
  "throttling.iops-read-max-length": { type: "number", default: "1" },
  "throttling.iops-write": { type: "number", default: "0" },
  "throttling.iops-write-max": { type: "number", default: "0" },
  "throttling.iops-write-max-length": { type: "number", default: "1" },
  "throttling.iops-size": { type: "number", default: "0" },
  "throttling.group": { type: "str" },
} as const;

/** What the drive's statistics count, which the help does not list either. */
export const STATISTICS_KEYS = {
  "stats-account-invalid": { type: "bool", default: "on" },
  "stats-account-failed": { type: "bool", default: "on" },
} as const;
