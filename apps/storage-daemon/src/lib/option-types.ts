import type { TypeOf } from "@rehandle/options";
import { daemonOptionTypes } from "./generated/options.ts";
import { withDetails, type Detailed } from "./option-details.ts";

const details = {
  BlockdevCacheOptions: { "no-flush": { default: false } },
  BlockdevOptionsMemory: { size: { unit: "bytes", max: 9007199254740991 } },
  BlockdevOptionsNbd: {
    "reconnect-delay": { default: 0, unit: "s" },
    "open-timeout": { default: 0, unit: "s" },
    connections: { default: 1, min: 1, max: 16 },
    "identity-offset": { unit: "bytes", max: 9007199254740991 },
    "identity-length": { min: 1, max: 65536 },
  },
  BlockdevOptionsNull: {
    size: { default: 1073741824, unit: "bytes", max: 9007199254740991 },
    "latency-ns": { unit: "ns" },
  },
  BlockdevOptionsRaw: {
    offset: { default: 0, max: 9007199254740991, unit: "bytes" },
    size: { max: 9007199254740991, unit: "bytes" },
  },
  BlockdevOptionsRehandle: {
    werror: { default: "report" },
    rerror: { default: "report" },
    "write-retry-interval": { unit: "ms", min: 1, max: 2147483647 },
    "read-retry-interval": { unit: "ms", min: 1, max: 2147483647 },
    "request-timeout": { default: 0, unit: "ms" },
    "probe-interval": { default: 100, unit: "ms", min: 1 },
    "probe-interval-max": { default: 5000, unit: "ms", min: 1 },
    "probe-offset": { max: 9007199254740991, unit: "bytes" },
    "probe-length": { min: 1, unit: "bytes" },
    "ramp-initial": { default: 1, min: 1 },
    "ramp-max": { default: 1024, min: 1 },
    "replay-log": { default: true },
    "replay-log-bytes": { default: 33554432, unit: "bytes", min: 1, max: 9007199254740991 },
    "replay-log-count": { default: 8192, min: 1 },
    "max-held-requests": { default: 16384, min: 1 },
    "max-held-bytes": { default: 268435456, unit: "bytes", min: 1, max: 9007199254740991 },
  },
  BlockdevOptions: { "detect-zeroes": { default: "off" } },
  NbdServerOptions: { "max-connections": { default: 0 } },
  BlockExportOptionsVhostUserBlk: {
    "logical-block-size": { default: 512, unit: "bytes", max: 9007199254740991 },
    "num-queues": { default: 1 },
  },
  BlockExportOptions: { writable: { default: false } },
  MonitorOptions: { pretty: { default: false } },
  TlsCredsX509Properties: {
    "verify-peer": { default: true },
    endpoint: { default: "client" },
    "sanity-check": { default: true },
  },
  SecretProperties: { format: { default: "raw" } },
} as const;

/** What the command line and QMP take: the schema's types, with what its language cannot say. */
export const optionTypes: Detailed<typeof daemonOptionTypes, typeof details> = withDetails(daemonOptionTypes, details);

type Types = typeof optionTypes;

/** Options of a node, checked. */
export type NodeOptions = TypeOf<Types, "BlockdevOptions">;

/** Options of a node with this driver. */
export type NodeOptionsOf<D extends NodeOptions["driver"]> = Extract<NodeOptions, { driver: D }>;

/** Where to listen or to connect. */
export type SocketAddress = TypeOf<Types, "SocketAddress">;

/** A TCP socket. */
export type InetSocketAddress = TypeOf<Types, "InetSocketAddress">;

export type NbdServerSettings = TypeOf<Types, "NbdServerOptions">;
export type ExportSettings = TypeOf<Types, "BlockExportOptions">;
export type MonitorSettings = TypeOf<Types, "MonitorOptions">;
export type ObjectSettings = TypeOf<Types, "ObjectOptions">;
