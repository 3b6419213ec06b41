import type { CommandDescription } from "@rehandle/options";
import { OPTIONS } from "./command-options.ts";
import { withHints } from "./option-hints.ts";
import { PROGRAM } from "./version.ts";

/** All that help, manual and completion say about the program. */
export const storageDaemonCommand: CommandDescription = {
  name: PROGRAM,
  help: "a storage daemon that holds I/O while its storage is away",
  details:
    `The daemon has the command line and the monitor of qemu-storage-daemon(1). It opens storage as nodes, and exports \
nodes over NBD and as disks of virtual machines. A rehandle node holds the requests that fail because the storage below it \
went away, and sends them again until they succeed: clients see a slow disk and no error.

Options are worked off in their order: a node comes before what uses it. The storage has to be there when the daemon \
starts; open-timeout of an nbd node says for how many seconds to try.

The argument of an option is a list of keys and values with commas between them, where a comma in a value is written \
twice, or a JSON object. Long options may be cut short as long as it is clear which one is meant. What is a size takes \
the suffixes k, M, G, T, P and E; what is an int, such as the size of null-co and raw, takes none.

rehandle-qmp is a shell for the monitor; its help tells every command and event.`.replaceAll("\\\n", ""),
  options: OPTIONS.map(withHints),
  examples: [
    {
      help: "hold I/O for up to a minute while an NBD server is away",
      command: `${PROGRAM} \\
  --blockdev nbd,node-name=up,server.type=unix,server.path=up.sock \\
  --blockdev rehandle,node-name=disk,file=up,iohang-timeout=60 \\
  --nbd-server addr.type=unix,addr.path=nbd.sock \\
  --export nbd,id=e,node-name=disk,writable=on`,
    },
    {
      help: "the same in the words of QEMU's -drive",
      command: `${PROGRAM} \\
  --drive file=nbd:unix:up.sock,format=raw,id=disk,iohang-timeout=60 \\
  --nbd-server addr.type=unix,addr.path=nbd.sock \\
  --export nbd,id=e,node-name=disk,writable=on`,
    },
    {
      help: "a guest's disk, and a monitor",
      command: `${PROGRAM} \\
  --blockdev rehandle,node-name=disk,file.driver=file,file.filename=a.img \\
  --export vhost-user-blk,id=vm1,node-name=disk,writable=on,\\
addr.type=unix,addr.path=vm1.sock \\
  --chardev socket,id=qmp,path=qmp.sock,server=on,wait=off --monitor qmp`,
    },
    { help: "completion in this bash", command: `source <(${PROGRAM} --completion bash)` },
  ],
  sections: [
    {
      title: "EXIT STATUS",
      items: {
        0: "A signal or the command quit of a monitor ended it, or what was asked for was printed.",
        1: "The command line is wrong, something that it names could not be opened, or a second signal came.",
      },
    },
    {
      title: "SIGNALS",
      items: {
        "SIGTERM, SIGINT, SIGHUP":
          "The daemon ends in order, within some five seconds, even if the storage is away: no new clients; held requests of " +
          "NBD clients get one second for their storage to come back and then fail; a guest's requests stay with its QEMU; " +
          "nodes are flushed and closed; sockets and the pid file are removed. A second signal ends it at once.",
      },
    },
    {
      title: "FILES",
      items: {
        "ca-cert.pem, server-cert.pem, server-key.pem, client-cert.pem, client-key.pem, ca-crl.pem":
          "In the folder of a tls-creds-x509 object: the certificate of the authority, the server's or the client's own " +
          "certificate and key, and a list of revoked certificates.",
      },
    },
    {
      title: "ENVIRONMENT",
      text: "The daemon itself reads none. Node, which runs it, reads NODE_OPTIONS and others; see node(1).",
    },
    {
      title: "SEE ALSO",
      text: "qemu-storage-daemon(1), qemu-storage-daemon-qmp-ref(7), qemu(1), qemu-nbd(8), nbdkit(1), nbdinfo(1), socat(1)",
    },
  ],
  footer: "Options are worked off in their order. The manual page rehandle-storage-daemon(1) tells more.",
};
