import { DRIVE_KEYS, formatOptsHelp } from "@rehandle/options";
import type { OptionName } from "./command-line.ts";
import { blockdevOption } from "./option-table.ts";
import { PROGRAM } from "./version.ts";

/** The options there are: those of qemu-storage-daemon, and `--drive`. */
export const OPTION_NAMES: readonly OptionName[] = [
  { name: "blockdev", hasArgument: true },
  { name: "chardev", hasArgument: true },
  { name: "daemonize", hasArgument: false },
  { name: "drive", hasArgument: true },
  { name: "export", hasArgument: true },
  { name: "help", letter: "h", hasArgument: false },
  { name: "monitor", hasArgument: true },
  { name: "nbd-server", hasArgument: true },
  { name: "object", hasArgument: true },
  { name: "pidfile", hasArgument: true },
  { name: "trace", letter: "T", hasArgument: true },
  { name: "version", letter: "V", hasArgument: false },
];

/** The text of `--help`. */
export function helpText(): string {
  return `Usage: ${PROGRAM} [options]
A storage daemon that holds I/O while its storage is away

  -h, --help             display this help and exit
  -V, --version          output version information and exit

  --blockdev [driver=]<driver>,node-name=<N>[,read-only=on|off]
             [,auto-read-only=on|off][,discard=ignore|unmap]
             [,cache.direct=on|off][,driver specific parameters...]
                         add a node, as keyval or as JSON

  --chardev socket,id=<id>,path=<path>,server=on[,wait=on|off]
  --chardev socket,id=<id>,fd=<fd>,server=on[,wait=on|off]
  --chardev socket,id=<id>,host=<host>,port=<port>,server=on[,wait=on|off]
  --chardev stdio,id=<id>
                         add a character device, for a monitor

  --drive file=<file>[,id=<id>][,format=raw][,iohang-timeout=<seconds>]
          [,werror=...][,rerror=...][,...]
                         add a drive: its storage and, above it, a
                         rehandle node whose name is the drive's id

  --export [type=]nbd,id=<id>,node-name=<node-name>[,name=<export-name>]
           [,writable=on|off][,description=<text>]
                         export a node over NBD (requires --nbd-server)
  --export [type=]vhost-user-blk,id=<id>,node-name=<node-name>
           ,addr.type=unix,addr.path=<path>[,writable=on|off]
           [,logical-block-size=<bytes>][,num-queues=<n>]
                         export a node as a guest's virtio disk

  --monitor [chardev=]<id>[,mode=control]
                         put a QMP monitor on a character device

  --nbd-server addr.type=inet,addr.host=<host>,addr.port=<port>
               [,tls-creds=<id>][,max-connections=<n>]
  --nbd-server addr.type=unix,addr.path=<path>
               [,tls-creds=<id>][,max-connections=<n>]
  --nbd-server addr.type=fd,addr.str=<fd>
               [,tls-creds=<id>][,max-connections=<n>]
                         start an NBD server for exporting nodes

  --object tls-creds-x509,id=<id>,dir=<folder>,endpoint=client|server
           [,verify-peer=on|off]
                         add TLS credentials

  --pidfile <path>       write process ID to a file after startup

Options are worked off in their order.

${blockdevOption.helpText()}

${driverSections()}

--drive ${formatOptsHelp(DRIVE_KEYS).replace(/^O/, "o")}
`;
}

const DRIVERS = ["rehandle", "file", "host_device", "nbd", "raw", "memory", "null-co"] as const;

function driverSections(): string {
  const common = blockdevOption.helpText("").split("\n").length;
  return DRIVERS.map((driver) => {
    const lines = blockdevOption.helpText(driver).split("\n").slice(common);
    return [`--blockdev ${driver} options:`, ...lines].join("\n");
  }).join("\n\n");
}
