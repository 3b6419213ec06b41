import type { Command } from "./qmp-peer.ts";

/** What is done in a session: a command, one that is answered otherwise than by QEMU, or something else that happens. */
export type Step =
  | Command
  /** `undo` is what makes QEMU's daemon forget what ours refused. */
  | { readonly command: Command; readonly ours: string; readonly because: string; readonly undo?: Command }
  | { readonly connect: string }
  | { readonly leave: string }
  | { readonly event: true }
  /** Again and again, as long as something is still in use. */
  | { readonly until: Command };

export const node = (name: string, more: object = {}): Command => [
  "blockdev-add",
  { driver: "null-co", "node-name": name, ...more },
];
export const raw = (name: string, file: unknown, more: object = {}): Command =>
  node(name, { driver: "raw", file, ...more });
export const file = (name: string, more: object = {}): Command =>
  node(name, { driver: "file", filename: "disk.img", ...more });
export const nbd = (name: string, server: object, more: object = {}): Command =>
  node(name, { driver: "nbd", server, ...more });
export const del = (name: string): Command => ["blockdev-del", { "node-name": name }];
export const start = (data: object = { path: "n.sock" }, type = "unix", more: object = {}): Command => [
  "nbd-server-start",
  { addr: { type, data }, ...more },
];
export const add = (id: string, name: string, more: object = {}): Command => [
  "block-export-add",
  { type: "nbd", id, "node-name": name, ...more },
];
export const guest = (id: string, name: string, more: object = {}): Command =>
  add(id, name, { type: "vhost-user-blk", addr: { type: "unix", path: "v.sock" }, ...more });
export const end = (id: string, mode?: string): Command => [
  "block-export-del",
  { id, ...(mode === undefined ? {} : { mode }) },
];
export const object = (id: string, more: object): Command => ["object-add", { "qom-type": "secret", id, ...more }];
export const tls = (id: string, more: object = {}): Command => [
  "object-add",
  { "qom-type": "tls-creds-x509", id, ...more },
];
export const unlike = (command: Command, ours: string, because: string, undo?: Command): Step => ({
  command,
  ours,
  because,
  ...(undo === undefined ? {} : { undo }),
});
