import { defineOption, type Option, type TypeOf } from "@rehandle/options";
import { nodeTypes, type NodeOptions } from "./node-types.ts";

/** Types of the options other than `--blockdev`: QEMU's, as far as they are carried. */
const daemonTypes = {
  NbdServerOptions: {
    struct: {
      addr: {
        type: "SocketAddress",
        help: "addr.type=unix,addr.path=... or addr.type=inet,addr.host=...,addr.port=...",
      },
      "*tls-creds": { type: "str", help: "id of a tls-creds-x509 object with endpoint=server" },
      "*tls-authz": { type: "str", help: "not supported" },
      "*max-connections": { type: "uint32", default: 0, help: "clients at a time, 0 is no bound" },
    },
  },
  BlockExportType: { enum: ["nbd", "vhost-user-blk"] },
  BlockExportOptionsNbd: {
    struct: {
      "*name": { type: "str", help: "name of the export, the node-name if not given" },
      "*description": { type: "str", help: "text for people" },
      "*bitmap": { type: "str", help: "not supported" },
    },
  },
  BlockExportOptionsVhostUserBlk: {
    struct: {
      addr: { type: "SocketAddress", help: "where QEMU connects: addr.type=unix,addr.path=..." },
      "*logical-block-size": {
        type: "size",
        default: 512,
        max: 9007199254740991,
        help: "bytes; a power of two",
        unit: "bytes",
      },
      "*num-queues": { type: "uint16", default: 1, help: "most virtqueues" },
    },
  },
  BlockExportOptions: {
    union: {
      type: "BlockExportType",
      id: { type: "str", help: "name for the monitor" },
      "node-name": { type: "str", help: "the node" },
      "*writable": { type: "bool", default: false, help: "clients may write" },
    },
    discriminator: "type",
    branches: { nbd: "BlockExportOptionsNbd", "vhost-user-blk": "BlockExportOptionsVhostUserBlk" },
  },
  MonitorMode: { enum: ["readline", "control"] },
  MonitorOptions: {
    struct: {
      "*id": "str",
      "*mode": "MonitorMode",
      "*pretty": { type: "bool", default: false, help: "on is not supported" },
      chardev: { type: "str", help: "id of a chardev" },
    },
  },
  ObjectType: { enum: ["tls-creds-x509"] },
  QCryptoTLSCredsEndpoint: { enum: ["client", "server"] },
  TlsCredsX509Properties: {
    struct: {
      "*verify-peer": { type: "bool", default: true, help: "refuse a peer without a valid certificate" },
      "*dir": { type: "str", help: "folder of ca-cert.pem, server-cert.pem, server-key.pem, ..." },
      "*endpoint": { type: "QCryptoTLSCredsEndpoint", default: "client" },
      "*priority": { type: "str", help: "accepted; Node's defaults are used" },
      "*sanity-check": { type: "bool", default: true, help: "accepted" },
      "*passwordid": { type: "str", help: "not supported" },
    },
  },
  ObjectOptions: {
    union: { "qom-type": "ObjectType", id: "str" },
    discriminator: "qom-type",
    branches: { "tls-creds-x509": "TlsCredsX509Properties" },
  },
} as const;

type Types = typeof nodeTypes & typeof daemonTypes;

const types = { ...nodeTypes, ...daemonTypes };

export type NbdServerSettings = TypeOf<Types, "NbdServerOptions">;
export type ExportSettings = TypeOf<Types, "BlockExportOptions">;
export type MonitorSettings = TypeOf<Types, "MonitorOptions">;
export type ObjectSettings = TypeOf<Types, "ObjectOptions">;

export const blockdevOption: Option<NodeOptions> = defineOption({
  flag: "--blockdev",
  types: nodeTypes,
  type: "BlockdevOptions",
  impliedKey: "driver",
});

export const nbdServerOption: Option<NbdServerSettings> = defineOption({
  flag: "--nbd-server",
  types,
  type: "NbdServerOptions",
});

export const exportOption: Option<ExportSettings> = defineOption({
  flag: "--export",
  types,
  type: "BlockExportOptions",
  impliedKey: "type",
});

export const monitorOption: Option<MonitorSettings> = defineOption({
  flag: "--monitor",
  types,
  type: "MonitorOptions",
  impliedKey: "chardev",
});

export const objectOption: Option<ObjectSettings> = defineOption({
  flag: "--object",
  types,
  type: "ObjectOptions",
  impliedKey: "qom-type",
  allowHelp: true,
});
