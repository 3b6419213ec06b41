import type { CommandDescription, OptsOptionDescription, TypedOptionDescription } from "../lib/option-description.ts";

const types = {
  Driver: { enum: ["nbd", "file", "raw"] },
  Cache: { struct: { "*direct": "bool" } },
  AddressType: { enum: ["inet", "unix"] },
  Inet: { struct: { host: "str", "*to": { type: "uint16", help: "highest port" } } },
  Unix: { struct: { path: { type: "str", completes: "file" } } },
  Address: {
    union: { type: "AddressType" },
    discriminator: "type",
    branches: { inet: "Inet", unix: "Unix" },
    help: "where a socket is",
  },
  File: { struct: { filename: { type: "str", completes: "file", help: "path of the file" } } },
  Nbd: {
    struct: { server: "Address", "*port": { type: "uint32", min: 1, max: 9, default: 5, unit: "s" } },
    help: "an export of an NBD server",
  },
  Raw: { struct: { file: "Node", "*children": ["Node"] } },
  Options: {
    union: {
      driver: "Driver",
      "*node-name": { type: "str", help: "name of the node" },
      "*read-only": "bool",
      "*cache": "Cache",
    },
    discriminator: "driver",
    branches: { nbd: "Nbd", file: "File", raw: "Raw" },
  },
  Node: { alternate: { definition: "Options", reference: "str" } },
} as const;

/** A typed option with choices, nested types, lists and files. */
export const describedBlockdev: TypedOptionDescription = {
  flag: "--blockdev",
  types,
  type: "Options",
  impliedKey: "driver",
  help: "adds a block node",
  details: "It is opened at once.\n\nIt's closed\n.last, at the end…",
};

/** An option of the older syntax. */
export const describedDrive: OptsOptionDescription = {
  flag: "--drive",
  known: {
    file: { type: "str", values: "file", help: "name of the image" },
    if: { type: "str", values: ["ide", "virtio"], default: "ide" },
    snapshot: { type: "bool" },
  },
  help: "adds a drive",
};

/** A program with options of every kind. */
export const describedCommand: CommandDescription = {
  name: "try-daemon",
  help: "tries things",
  options: [
    { ...describedBlockdev, group: "Storage" },
    describedDrive,
    { flag: "--pidfile", argument: "path", values: "file", help: "write the process ID" },
    { flag: "--help", shortFlag: "-h", help: "show this help" },
    { flag: "--secret", hidden: true },
  ],
  examples: [{ help: "adds a file", command: "try-daemon \\\n  --blockdev file,filename=a" }],
  sections: [{ title: "EXIT STATUS", text: "It says how it went.", items: { 0: "well", "1, 2": "badly\n\nvery" } }],
  footer: "See the manual.",
};
