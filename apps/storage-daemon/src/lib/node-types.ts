import type { TypeOf } from "@rehandle/options";

/**
 * What `--blockdev` takes: QEMU's `BlockdevOptions` as far as the drivers here go, in QEMU's order of members, and the
 * drivers `rehandle` and `memory`, which QEMU does not have.
 */
export const nodeTypes = {
  BlockdevDriver: { enum: ["file", "host_device", "memory", "nbd", "null-co", "raw", "rehandle"] },
  BlockdevDiscardOptions: { enum: ["ignore", "unmap"] },
  BlockdevDetectZeroesOptions: { enum: ["off", "on", "unmap"] },
  BlockdevAioOptions: { enum: ["threads", "native", "io_uring"] },
  OnOffAuto: { enum: ["auto", "on", "off"] },
  BlockdevCacheOptions: {
    struct: {
      "*direct": { type: "bool", help: "bypass the host's page cache (default off)" },
      "*no-flush": { type: "bool", default: false, help: "on is not supported" },
    },
  },
  SocketAddressType: { enum: ["inet", "unix", "fd"] },
  InetSocketAddress: {
    struct: {
      host: { type: "str", help: "name or address" },
      port: { type: "str", help: "port number" },
      "*numeric": { type: "bool", help: "host and port are numbers" },
      "*to": { type: "uint16", help: "not supported" },
      "*ipv4": { type: "bool", help: "not supported" },
      "*ipv6": { type: "bool", help: "not supported" },
      "*keep-alive": { type: "bool", help: "not supported" },
    },
  },
  UnixSocketAddress: { struct: { path: { type: "str", help: "path of the socket" } } },
  FdSocketAddress: { struct: { str: { type: "str", help: "number of an inherited file descriptor" } } },
  SocketAddress: {
    union: { type: "SocketAddressType" },
    discriminator: "type",
    branches: { inet: "InetSocketAddress", unix: "UnixSocketAddress", fd: "FdSocketAddress" },
  },
  BlockdevRef: { alternate: { definition: "BlockdevOptions", reference: "str" } },
  RehandleLimit: { alternate: { word: "str", number: "uint64" } },
  RehandleReadAction: { enum: ["report", "ignore", "stop"] },
  RehandleWriteAction: { enum: ["report", "ignore", "stop", "enospc"] },
  BlockdevOptionsFile: {
    help: "a regular file",
    struct: {
      filename: { type: "str", help: "path of the file" },
      "*locking": { type: "OnOffAuto", help: "on is not supported: the file is not locked" },
      "*aio": { type: "BlockdevAioOptions", help: "accepted; threads are always used" },
    },
  },
  BlockdevOptionsMemory: {
    help: "a disk in memory, all zeroes at first (not in QEMU)",
    struct: { size: { type: "size", help: "size of the disk", unit: "bytes", max: 9007199254740991 } },
  },
  BlockdevOptionsNbd: {
    help: "an export of an NBD server",
    struct: {
      server: { type: "SocketAddress", help: "where it listens: server.type, server.path, ..." },
      "*export": { type: "str", help: "name of the export" },
      "*tls-creds": { type: "str", help: "id of a tls-creds-x509 object" },
      "*tls-hostname": { type: "str", help: "name in the server's certificate" },
      "*reconnect-delay": {
        type: "uint32",
        default: 0,
        unit: "s",
        help: "how long requests wait for a lost server; not below a rehandle node",
      },
      "*open-timeout": { type: "uint32", default: 0, unit: "s", help: "how long to try at the start" },
      "*connections": { type: "uint8", default: 1, min: 1, max: 16, help: "most connections to use" },
      "*identity-offset": { type: "size", max: 9007199254740991, help: "bytes that name the disk: where" },
      "*identity-length": { type: "uint32", min: 1, max: 65536, help: "bytes that name the disk: how many" },
    },
  },
  BlockdevOptionsNull: {
    help: "takes everything, keeps nothing",
    struct: {
      "*size": { type: "int", default: 1073741824, unit: "bytes", max: 9007199254740991 },
      "*latency-ns": { type: "uint64", max: 9007199254740991, help: "how long a request takes", unit: "ns" },
      "*read-zeroes": { type: "bool", help: "reads give zeroes (they always do here)" },
    },
  },
  BlockdevOptionsRaw: {
    help: "a part of a node, or all of it",
    struct: {
      file: { type: "BlockdevRef", help: "node-name, or options of a new node" },
      "*offset": { type: "int", min: 0, max: 9007199254740991, unit: "bytes", help: "where the part begins" },
      "*size": { type: "int", min: 0, max: 9007199254740991, unit: "bytes", help: "how long it is" },
    },
  },
  BlockdevOptionsRehandle: {
    help: "I/O hang: requests that fail are held until they succeed (not in QEMU)",
    struct: {
      file: { type: "BlockdevRef", help: "node-name, or options of a new node" },
      "*iohang-timeout": {
        type: "RehandleLimit",
        help: "s that one outage may last until requests fail, 0 (nothing is held) or forever (default forever)",
      },
      "*werror": { type: "RehandleWriteAction", default: "report", help: "what a write that fails for good does" },
      "*rerror": { type: "RehandleReadAction", default: "report", help: "what a read that fails for good does" },
      "*write-retry-interval": { type: "uint32", unit: "ms", min: 1, max: 2147483647, help: "between two tries" },
      "*write-retry-timeout": { type: "RehandleLimit", help: "ms that a write is held, 0 or forever" },
      "*read-retry-interval": { type: "uint32", unit: "ms", min: 1, max: 2147483647, help: "between two tries" },
      "*read-retry-timeout": { type: "RehandleLimit", help: "ms that a read is held, 0 or forever" },
      "*request-timeout": {
        type: "uint32",
        default: 0,
        unit: "ms",
        help: "silence after which a request counts as failed, 0 is never",
      },
      "*probe-interval": { type: "uint32", default: 100, unit: "ms", min: 1, help: "first wait between two probes" },
      "*probe-interval-max": { type: "uint32", default: 5000, unit: "ms", min: 1, help: "longest wait" },
      "*probe-offset": { type: "size", max: 9007199254740991, unit: "bytes", help: "where probes read" },
      "*probe-length": { type: "uint32", min: 1, unit: "bytes", help: "how much probes read" },
      "*ramp-initial": { type: "uint32", default: 1, min: 1, help: "held requests that go first after an outage" },
      "*ramp-max": { type: "uint32", default: 1024, min: 1, help: "held requests on their way at most" },
      "*replay-log": {
        type: "bool",
        default: true,
        help: "keep unflushed writes, and write them again if the server restarted",
      },
      "*replay-log-bytes": { type: "size", default: 33554432, unit: "bytes", min: 1, max: 9007199254740991 },
      "*replay-log-count": { type: "uint32", default: 8192, min: 1, help: "writes in the log" },
      "*max-held-requests": { type: "uint32", default: 16384, min: 1, help: "more makes the node congested" },
      "*max-held-bytes": { type: "size", default: 268435456, unit: "bytes", min: 1, max: 9007199254740991 },
    },
  },
  BlockdevOptions: {
    union: {
      driver: { type: "BlockdevDriver", help: "what kind of node" },
      "*node-name": { type: "str", help: "name of the node; a node of its own must have one" },
      "*discard": { type: "BlockdevDiscardOptions", help: "what to do on discard (default ignore)" },
      "*cache": { type: "BlockdevCacheOptions", help: "cache.direct=on|off" },
      "*read-only": { type: "bool", help: "refuse writes (default off)" },
      "*auto-read-only": { type: "bool", help: "open read-only if writing is not allowed (default off)" },
      "*force-share": { type: "bool", help: "accepted; nothing is locked" },
      "*detect-zeroes": { type: "BlockdevDetectZeroesOptions", default: "off", help: "only off is supported" },
    },
    discriminator: "driver",
    branches: {
      file: "BlockdevOptionsFile",
      host_device: "BlockdevOptionsFile",
      memory: "BlockdevOptionsMemory",
      nbd: "BlockdevOptionsNbd",
      "null-co": "BlockdevOptionsNull",
      raw: "BlockdevOptionsRaw",
      rehandle: "BlockdevOptionsRehandle",
    },
  },
} as const;

/** Options of a node, checked. */
export type NodeOptions = TypeOf<typeof nodeTypes, "BlockdevOptions">;

/** Options of a node with this driver. */
export type NodeOptionsOf<D extends NodeOptions["driver"]> = Extract<NodeOptions, { driver: D }>;

/** A node by its name, or the options of a new one. */
export type NodeRef = TypeOf<typeof nodeTypes, "BlockdevRef">;

/** Where to listen or to connect. */
export type SocketAddress = TypeOf<typeof nodeTypes, "SocketAddress">;
