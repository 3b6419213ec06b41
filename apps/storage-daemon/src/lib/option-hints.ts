import {
  resolveMembers,
  type MemberDescription,
  type Members,
  type OptionDescription,
  type TypeCatalog,
  type TypeDescription,
} from "@rehandle/options";

/** What help and completion know of a member besides what the parser needs. */
type Hint = Pick<MemberDescription, "completes" | "names" | "words" | "hidden">;

/** Known for QEMU's sake: accepted without effect, or refused. */
const HIDDEN: Hint = { hidden: true };

/** By type and member. */
const HINTS: Readonly<Record<string, Readonly<Record<string, Hint>>>> = {
  BlockdevCacheOptions: { "no-flush": HIDDEN },
  BlockdevOptions: { "node-name": { names: "node" }, "detect-zeroes": HIDDEN },
  BlockdevOptionsFile: { filename: { completes: "file" }, locking: { words: ["auto", "off"] } },
  BlockdevOptionsNbd: { server: { words: ["inet", "unix"] }, "tls-creds": { completes: "object" } },
  BlockdevOptionsRaw: { file: { completes: "node" } },
  BlockdevOptionsRehandle: { file: { completes: "node" } },
  UnixSocketAddress: { path: { completes: "file" } },
  NbdServerOptions: { "tls-creds": { completes: "object" }, "tls-authz": HIDDEN },
  BlockExportOptions: {
    id: { names: "export" },
    "fixed-iothread": HIDDEN,
    iothread: HIDDEN,
    "node-name": { completes: "node" },
    writethrough: HIDDEN,
  },
  BlockExportOptionsNbd: { bitmaps: HIDDEN, "allocation-depth": HIDDEN },
  BlockExportOptionsVhostUserBlk: { addr: { words: ["unix", "fd"] } },
  MonitorOptions: { chardev: { completes: "chardev" }, mode: { words: ["control"] }, pretty: HIDDEN },
  ObjectOptions: { id: { names: "object" } },
  TlsCredsX509Properties: { dir: { completes: "file" }, passwordid: { completes: "object" } },
  SecretProperties: { file: { completes: "file" }, keyid: HIDDEN, iv: HIDDEN },
};

/** The option with the hints in its types. */
export function withHints(option: OptionDescription): OptionDescription {
  return "types" in option ? { ...option, types: hintedTypes(option.types) } : option;
}

function hintedTypes(types: TypeCatalog): TypeCatalog {
  return Object.fromEntries(Object.entries(types).map(([name, type]) => [name, hintedType(type, HINTS[name] ?? {})]));
}

function hintedType(type: TypeDescription, hints: Readonly<Record<string, Hint>>): TypeDescription {
  if ("struct" in type) return { ...type, struct: hintedMembers(type.struct, hints) };
  return "union" in type ? { ...type, union: hintedMembers(type.union, hints) } : type;
}

function hintedMembers(members: Members, hints: Readonly<Record<string, Hint>>): Members {
  return Object.fromEntries(
    resolveMembers(members).map(({ name, optional, ...member }) => {
      return [optional ? `*${name}` : name, { ...member, ...hints[name] }];
    }),
  );
}
