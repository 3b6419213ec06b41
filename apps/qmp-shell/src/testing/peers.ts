import { createServer } from "node:net";
import { DAEMON, haveProgram, untilAccepts, type Sandbox } from "./sandbox.ts";

/** Somebody real to talk to. */
export interface RealPeer {
  readonly name: string;
  readonly isThere: boolean;
  /** Starts it with a monitor on a unix socket; resolves with the address. */
  readonly unix: (sandbox: Sandbox) => Promise<string>;
  /** The same by TCP. */
  readonly tcp: (sandbox: Sandbox) => Promise<string>;
  /** A command that speaks QMP on its standard input and output. */
  readonly stdio: string;
}

const qsd = "qemu-storage-daemon";
const qemu = "qemu-system-x86_64";
const machine = ["-machine", "none", "-display", "none", "-nodefaults"];

/** Our daemon, QEMU's, and QEMU itself. */
export const REAL_PEERS: readonly RealPeer[] = [
  {
    name: "rehandle-storage-daemon",
    isThere: true,
    unix: async (sandbox) => {
      await sandbox.daemon("qmp.sock", ["--blockdev", "memory,node-name=m,size=1M"]);
      return sandbox.path("qmp.sock");
    },
    tcp: async (sandbox) => {
      const port = await freePort();
      const chardev = `socket,id=t,host=127.0.0.1,port=${port},server=on,wait=off`;
      await sandbox.daemon("qmp.sock", ["--chardev", chardev, "--monitor", "t"]);
      return reachable(port);
    },
    stdio: [...DAEMON, "--chardev", "stdio,id=c", "--monitor", "c"].map((word) => `'${word}'`).join(" "),
  },
  {
    name: qsd,
    isThere: haveProgram(qsd),
    unix: async (sandbox) => {
      const path = sandbox.path("qmp.sock");
      sandbox.start([qsd, "--chardev", `socket,id=c,path=${path},server=on,wait=off`, "--monitor", "c"]);
      await untilAccepts(path);
      return path;
    },
    tcp: async (sandbox) => {
      const port = await freePort();
      sandbox.start([qsd, "--chardev", `socket,id=c,host=127.0.0.1,port=${port},server=on,wait=off`, "--monitor", "c"]);
      return reachable(port);
    },
    stdio: `${qsd} --chardev stdio,id=c,signal=off --monitor c`,
  },
  {
    name: qemu,
    isThere: haveProgram(qemu),
    unix: async (sandbox) => {
      const path = sandbox.path("qmp.sock");
      sandbox.start([qemu, ...machine, "-qmp", `unix:${path},server=on,wait=off`]);
      await untilAccepts(path);
      return path;
    },
    tcp: async (sandbox) => {
      const port = await freePort();
      sandbox.start([qemu, ...machine, "-qmp", `tcp:127.0.0.1:${port},server=on,wait=off`]);
      return reachable(port);
    },
    stdio: `${qemu} ${machine.join(" ")} -qmp stdio`,
  },
];

/** A port that nobody uses just now. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => void server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function reachable(port: number): Promise<string> {
  await untilAccepts(port);
  return `tcp:127.0.0.1:${port}`;
}
