/** The part of QEMU 7.2's BlockdevOptions that the comparison with the real QEMU uses. */
export const qemuTypes = {
  BlockdevDriver: { enum: ["null-co", "raw", "quorum", "copy-before-write", "throttle", "blkdebug", "nbd", "file"] },
  BlockdevDiscardOptions: { enum: ["ignore", "unmap"] },
  BlockdevDetectZeroesOptions: { enum: ["off", "on", "unmap"] },
  BlockdevCacheOptions: { struct: { "*direct": "bool", "*no-flush": "bool" } },
  OnCbwError: { enum: ["break-guest-write", "break-snapshot"] },
  SocketAddressType: { enum: ["inet", "unix", "vsock", "fd"] },
  InetSocketAddress: {
    struct: { host: "str", port: "str", "*numeric": "bool", "*to": "uint16", "*ipv4": "bool", "*ipv6": "bool" },
  },
  UnixSocketAddress: { struct: { path: "str", "*abstract": "bool", "*tight": "bool" } },
  SocketAddress: {
    union: { type: "SocketAddressType" },
    discriminator: "type",
    branches: { inet: "InetSocketAddress", unix: "UnixSocketAddress" },
  },
  BlockdevOptionsNull: { struct: { "*size": "int", "*latency-ns": "uint64", "*read-zeroes": "bool" } },
  BlockdevOptionsGenericFormat: { struct: { file: "BlockdevRef" } },
  BlockdevOptionsRaw: { base: "BlockdevOptionsGenericFormat", struct: { "*offset": "int", "*size": "int" } },
  BlockdevOptionsQuorum: {
    struct: { "*blkverify": "bool", children: ["BlockdevRef"], "vote-threshold": "int", "*rewrite-corrupted": "bool" },
  },
  BlockdevOptionsCbw: {
    base: "BlockdevOptionsGenericFormat",
    struct: { target: "BlockdevRef", "*on-cbw-error": "OnCbwError", "*cbw-timeout": "uint32" },
  },
  BlockdevOptionsThrottle: { struct: { "throttle-group": "str", file: "BlockdevRef" } },
  BlkdebugEvent: { enum: ["l1_update", "read_aio", "write_aio"] },
  BlkdebugInjectErrorOptions: { struct: { event: "BlkdebugEvent", "*errno": "int", "*once": "bool" } },
  BlockdevOptionsBlkdebug: {
    struct: { image: "BlockdevRef", "*align": "int", "*inject-error": ["BlkdebugInjectErrorOptions"] },
  },
  BlockdevOptionsNbd: {
    struct: { server: "SocketAddress", "*export": "str", "*reconnect-delay": "uint32", "*open-timeout": "uint32" },
  },
  BlockdevOptionsFile: { struct: { filename: "str", "*drop-cache": "bool" } },
  BlockdevOptions: {
    union: {
      driver: "BlockdevDriver",
      "*node-name": "str",
      "*discard": "BlockdevDiscardOptions",
      "*cache": "BlockdevCacheOptions",
      "*read-only": "bool",
      "*auto-read-only": "bool",
      "*force-share": "bool",
      "*detect-zeroes": "BlockdevDetectZeroesOptions",
    },
    discriminator: "driver",
    branches: {
      "null-co": "BlockdevOptionsNull",
      raw: "BlockdevOptionsRaw",
      quorum: "BlockdevOptionsQuorum",
      "copy-before-write": "BlockdevOptionsCbw",
      throttle: "BlockdevOptionsThrottle",
      blkdebug: "BlockdevOptionsBlkdebug",
      nbd: "BlockdevOptionsNbd",
      file: "BlockdevOptionsFile",
    },
  },
  BlockdevRef: { alternate: { definition: "BlockdevOptions", reference: "str" } },
} as const;
