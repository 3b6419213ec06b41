import {
  formatOptsHelp,
  nearestHint,
  parseQemuOpts,
  readOpts,
  type OptDescriptions,
  type OptValues,
  type OptsOptionDescription,
} from "@rehandle/options";
import type { InetSocketAddress } from "./option-types.ts";
import { UsageError } from "./usage-error.ts";

/** Where a monitor's bytes come from. */
export type ChardevOptions = { readonly id: string } & (
  | { readonly backend: "stdio" }
  | { readonly backend: "null" }
  | {
      readonly backend: "socket";
      readonly address: ChardevAddress;
      readonly isServer: boolean;
      /** Of a server: the start goes on when the first client is there. */
      readonly waits: boolean;
    }
);

/** An end of a socket. */
export type ChardevAddress =
  | { readonly path: string }
  | { readonly fd: number; readonly text: string }
  | InetSocketAddress;

const BACKENDS = ["null", "socket", "stdio"] as const;

/** Keys of QEMU's `-chardev` that mean something here. */
const SUPPORTED = {
  backend: { type: "str", values: BACKENDS, help: "what kind of device" },
  path: { type: "str", values: "file", help: "of a Unix socket" },
  fd: { type: "str", help: "number of an inherited file descriptor" },
  host: { type: "str", help: "name or address" },
  port: { type: "str", help: "port number" },
  to: { type: "number", help: "of a server: the last of the ports to try until one is free" },
  ipv4: { type: "bool", help: "use IPv4 addresses" },
  ipv6: { type: "bool", help: "use IPv6 addresses" },
  server: { type: "bool", help: "listen instead of connecting (default off)" },
  wait: { type: "bool", help: "of a server: go on when the first client is there (default on)" },
  delay: { type: "bool", help: "accepted" },
  nodelay: { type: "bool", help: "accepted" },
  signal: { type: "bool", help: "accepted" },
  mux: { type: "bool", default: "off", help: "accepted" },
} as const;

/** Keys that QEMU knows besides. */
const REFUSED: OptDescriptions = {
  localaddr: { type: "str" },
  localport: { type: "str" },
  reconnect: { type: "number" },
  telnet: { type: "bool" },
  tn3270: { type: "bool" },
  "tls-creds": { type: "str" },
  "tls-authz": { type: "str" },
  websocket: { type: "bool" },
  width: { type: "number" },
  height: { type: "number" },
  cols: { type: "number" },
  rows: { type: "number" },
  size: { type: "size" },
  chardev: { type: "str" },
  append: { type: "bool" },
  logfile: { type: "str" },
  logappend: { type: "bool" },
  abstract: { type: "bool" },
  tight: { type: "bool" },
};

/** The option, as the help shows it. */
export const chardevDescription: OptsOptionDescription = {
  flag: "--chardev",
  group: "Monitors",
  known: SUPPORTED,
  impliedKey: "backend",
  names: "chardev",
  usages: [
    "socket,id=<id>,path=<path>,server=on[,wait=on|off]",
    "socket,id=<id>,fd=<fd>,server=on[,wait=on|off]",
    "socket,id=<id>,host=<host>,port=<port>,server=on[,wait=on|off][,to=<to>][,ipv4=on|off][,ipv6=on|off]",
    "stdio,id=<id>",
    "null,id=<id>",
  ],
  help: "add a character device, for a monitor",
};

const KNOWN: OptDescriptions = { ...SUPPORTED, ...REFUSED };

/**
 * The answer to a cry for help in the argument of `--chardev`, and the code with which QEMU ends after it: `help` is answered
 * by the devices, and `socket,help` by the keys; undefined if there is none.
 *
 * @throws OptionError in QEMU's words
 */
export function chardevHelp(argument: string): { readonly text: string; readonly code: number } | undefined {
  const { help, options } = parseQemuOpts(argument, { impliedKey: "backend", known: KNOWN });
  if (help) return { text: `${formatOptsHelp(SUPPORTED, "chardev")}\n`, code: 1 };
  const { backend = "" } = readOpts(SUPPORTED, options);
  if (backend !== "help" && backend !== "?") return undefined;
  return {
    text: ["Available chardev backend types: ", ...BACKENDS.map((word) => `  ${word}`), ""].join("\n"),
    code: 0,
  };
}

/**
 * Parses the argument of `--chardev`.
 *
 * @param warn takes lines that QEMU would warn with; those before an OptionError are in it
 * @throws UsageError or OptionError in QEMU's words
 */
export function readChardev(argument: string, warn: (lines: readonly string[]) => void): ChardevOptions {
  const opts = parseQemuOpts(argument, { impliedKey: "backend", known: KNOWN });
  warn(opts.warnings);
  const values = readOpts(SUPPORTED, opts.options);
  const { id } = opts;
  const { backend } = values;
  if (id === undefined) throw new UsageError("chardev: no id specified");
  if (backend === undefined) throw new UsageError(`chardev: "${id}" missing backend`);
  const refused = opts.options.find(({ key }) => Object.hasOwn(REFUSED, key));
  if (backend === "stdio" || backend === "null") return { id, backend };
  if (backend !== "socket") {
    throw new UsageError(`'${backend}' is not a valid char driver name`, null, nearestHint(backend, BACKENDS));
  }
  if (refused !== undefined) throw new UsageError(`chardev: socket: ${refused.key} is not supported`);
  const isServer = values.server ?? false;
  if (!isServer && values.wait !== undefined) {
    throw new UsageError("'wait' option is incompatible with socket in client connect mode");
  }
  const waits = isServer && (values.wait ?? true);
  return { id, backend, address: readAddress(values), isServer, waits };
}

function readAddress({ path, fd, host, port, to, ipv4, ipv6 }: OptValues<typeof SUPPORTED>): ChardevAddress {
  if ([path, fd, host].filter((value) => value !== undefined).length > 1) {
    throw new UsageError("None or one of 'path', 'fd' or 'host' option required.");
  }
  if (path !== undefined) return { path };
  if (host !== undefined) {
    if (port === undefined) throw new UsageError("chardev: socket: no port given");
    return {
      host,
      port,
      // QEMU cuts it, too.
      ...(to === undefined ? {} : { to: Number(BigInt.asUintN(16, BigInt(to))) }),
      ...(ipv4 === undefined ? {} : { ipv4 }),
      ...(ipv6 === undefined ? {} : { ipv6 }),
    };
  }
  const text = fd ?? "";
  if (!/^[0-9]{1,9}$/.test(text)) throw new UsageError(`Unable to parse FD number ${text}`);
  return { fd: Number(text), text };
}
