/** The part of QEMU 7.2's schema that the comparison with QEMU and its storage daemon uses. */
export const qemuSchema = {
  types: {
    VersionTriple: { struct: { major: "int", minor: "int", micro: "int" } },
    VersionInfo: { struct: { qemu: "VersionTriple", package: "str" } },
    CommandInfo: { struct: { name: "str" } },
    BlockExportRemoveMode: { enum: ["safe", "hard"] },
    SocketAddressType: { enum: ["inet", "unix", "vsock", "fd"] },
    String: { struct: { str: "str" } },
    InetSocketAddress: {
      struct: { host: "str", port: "str", "*numeric": "bool", "*to": "uint16", "*ipv4": "bool", "*ipv6": "bool" },
    },
    InetSocketAddressWrapper: { struct: { data: "InetSocketAddress" } },
    UnixSocketAddress: { struct: { path: "str", "*abstract": "bool", "*tight": "bool" } },
    UnixSocketAddressWrapper: { struct: { data: "UnixSocketAddress" } },
    SocketAddressLegacy: {
      union: { type: "SocketAddressType" },
      discriminator: "type",
      branches: { inet: "InetSocketAddressWrapper", unix: "UnixSocketAddressWrapper" },
    },
    BlockdevDriver: { enum: ["null-co", "raw", "quorum"] },
    BlockdevOptionsNull: { struct: { "*size": "int", "*latency-ns": "uint64", "*read-zeroes": "bool" } },
    BlockdevOptionsRaw: { struct: { file: "BlockdevRef", "*offset": "int", "*size": "int" } },
    BlockdevOptionsQuorum: { struct: { children: ["BlockdevRef"], "vote-threshold": "int" } },
    BlockdevOptions: {
      union: { driver: "BlockdevDriver", "*node-name": "str", "*read-only": "bool" },
      discriminator: "driver",
      branches: { "null-co": "BlockdevOptionsNull", raw: "BlockdevOptionsRaw", quorum: "BlockdevOptionsQuorum" },
    },
    BlockdevRef: { alternate: { definition: "BlockdevOptions", reference: "str" } },
  },
  commands: {
    "query-version": { returns: "VersionInfo" },
    "query-commands": { returns: ["CommandInfo"] },
    qmp_capabilities: {},
    quit: {},
    "query-block-exports": { returns: ["CommandInfo"] },
    "query-named-block-nodes": { data: { "*flat": "bool" }, returns: ["CommandInfo"] },
    "block-export-del": { data: { id: "str", "*mode": "BlockExportRemoveMode" } },
    "nbd-server-start": {
      data: { addr: "SocketAddressLegacy", "*tls-creds": "str", "*tls-authz": "str", "*max-connections": "uint32" },
    },
    "nbd-server-stop": {},
    "blockdev-add": { data: "BlockdevOptions" },
    /** QEMU has it, its daemon does not. The daemon offers oob without a command for it; we need one to offer it. */
    "query-yank": { "allow-oob": true },
  },
  events: {},
} as const;
