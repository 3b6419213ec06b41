import { mkdirSync, writeFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { comparable, runOurs, runTheirs } from "./testing/compared-daemons.ts";
import { DAEMON_COMMAND } from "./testing/daemon-process.ts";
import { havePrograms, runProgram } from "./testing/programs.ts";
import { Sandbox } from "./testing/sandbox.ts";

/**
 * Command lines that qemu-storage-daemon refuses. `@` is a folder with a file `disk.img` of 64 KiB and an empty folder
 * `creds`.
 */
const SAME_AS_QEMU: readonly string[] = [
  "--bogus",
  "positional",
  "--blockdev",
  "-z",
  "--help=1",
  "--blockd driver=file,node-name=d",
  "--blockdev driver=file",
  "--blockdev driver=file,filename=@/disk.img",
  "--blockdev driver=file,filename=@/nonexist,node-name=d",
  "--blockdev driver=zork,node-name=d",
  "--blockdev node-name=d",
  "--blockdev help",
  "--blockdev file,node-name=d,filename=@/disk.img,bogus=1",
  "--blockdev file,node-name=d,filename=@/disk.img,read-only=maybe",
  "--blockdev file,node-name=d,filename=@/disk.img,discard=zork",
  "--blockdev file,node-name=d,filename=@/disk.img,cache=zork",
  "--blockdev file,node-name=d,filename=@/disk.img,detect-zeroes=unmap",
  '--blockdev {"driver":"file","node-name":"d","filename":"@/disk.img","read-only":"on"}',
  '--blockdev {"driver":"file"',
  "--blockdev {}x",
  "--blockdev file,node-name=1d,filename=@/disk.img",
  "--blockdev file,node-name=aaaaaaaaaabbbbbbbbbbccccccccccddddd,filename=@/disk.img",
  "--blockdev file,node-name=d,filename=@/disk.img --blockdev file,node-name=d,filename=@/disk.img",
  "--blockdev file,node-name=f,filename=/tmp",
  "--blockdev file,node-name=f,filename=/tmp,read-only=on",
  "--blockdev file,node-name=f,filename=/dev/null",
  "--blockdev host_device,node-name=f,filename=@/disk.img",
  "--blockdev raw,node-name=r,file=nope",
  "--blockdev raw,node-name=r",
  "--blockdev raw,node-name=r,file=",
  "--blockdev raw,node-name=r,file.driver=file",
  "--blockdev raw,node-name=r,offset=4k,file.driver=file,file.filename=@/disk.img",
  "--blockdev raw,node-name=n,size=65537,file.driver=file,file.filename=@/disk.img",
  "--blockdev raw,node-name=n,size=512,offset=65536,file.driver=file,file.filename=@/disk.img",
  "--blockdev raw,node-name=n,offset=99999999,file.driver=file,file.filename=@/disk.img",
  "--blockdev nbd,node-name=n",
  "--blockdev nbd,node-name=n,server=foo",
  "--blockdev nbd,node-name=n,server.type=unix,server.path=/nonexist.sock",
  "--blockdev nbd,node-name=n,server.type=inet,server.host=127.0.0.1,server.port=1",
  "--blockdev nbd,node-name=n,server.type=inet,server.host=127.0.0.1",
  "--blockdev nbd,node-name=n,server.type=unix,server.path=u.sock,tls-creds=x",
  "--blockdev nbd,node-name=n,server.type=unix,server.path=u.sock,reconnect-delay=z",
  "--blockdev null-co,node-name=n,size=1M",
  "--nbd-server addr.type=unix",
  "--nbd-server addr.type=zork",
  "--nbd-server addr.type=unix,addr.path=/nonexist/x.sock",
  "--nbd-server=addr.type=unix",
  "--nbd-server addr.type=unix,addr.path=@/x.sock,max-connections=-1",
  "--nbd-server addr.type=unix,addr.path=@/x.sock,tls-creds=nope",
  "--nbd-server addr.type=unix,addr.path=@/x.sock --nbd-server addr.type=unix,addr.path=@/y.sock",
  "--nbd-server addr.type=inet,addr.host=127.0.0.1",
  "--nbd-server addr.type=inet,addr.host=127.0.0.1,addr.port=zork",
  "--nbd-server addr.type=inet,addr.host=127.0.0.1,addr.port=10809,addr.ipv6=on",
  "--nbd-server addr.type=inet,addr.host=::,addr.port=10809,addr.ipv4=off,addr.ipv6=off",
  "--nbd-server addr.type=inet,addr.host=127.0.0.1,addr.port=10809,addr.to=1",
  "--nbd-server addr.type=inet,addr.host=127.0.0.1,addr.port=10809,addr.to=-1",
  "--nbd-server addr.type=inet,addr.host=localhost,addr.port=10809,addr.numeric=on",
  "--nbd-server addr.type=inet,addr.host=192.0.2.1,addr.port=10809,addr.to=10900",
  "--nbd-server addr.type=fd,addr.str=99",
  `--nbd-server addr.type=unix,addr.path=/tmp/${"x".repeat(120)}`,
  "--chardev socket,id=c,path=@/c.sock,server,nowait,zzz=1",
  "--chardev null,nodelay,id=c,size=0x1k,size=x",
  "--chardev null,mux",
  "--chardev socket,id=c,server,nowait,path=/nonexist/c.sock",
  "--export nbd",
  "--export zork,id=e",
  "--export help",
  "--export nbd,id=e,node-name=f,writable=maybe",
  "--export nbd,id=1e,node-name=f",
  "--blockdev file,node-name=f,filename=@/disk.img --export nbd,id=e,node-name=f",
  "--nbd-server addr.type=unix,addr.path=@/x.sock --export nbd,id=e,node-name=f",
  "--blockdev file,node-name=f,filename=@/disk.img --nbd-server addr.type=unix,addr.path=@/x.sock --export nbd,id=e,node-name=f --export nbd,id=e,node-name=f",
  "--blockdev file,node-name=f,filename=@/disk.img --nbd-server addr.type=unix,addr.path=@/x.sock --export nbd,id=e,node-name=f --export nbd,id=e2,node-name=f",
  "--blockdev file,node-name=f,filename=@/disk.img,read-only=on --nbd-server addr.type=unix,addr.path=@/x.sock --export nbd,id=e,node-name=f,writable=on",
  "--monitor chardev=nope",
  "--monitor nope",
  "--chardev null,id=c --monitor chardev=c,mode=readline",
  "--chardev null,id=c --monitor chardev=c,mode=zork",
  "--chardev null,id=c --monitor chardev=c --monitor chardev=c",
  "--monitor c,pretty=zork",
  "--chardev socket,path=@/qmp.sock,server=on,wait=off",
  "--chardev socket,id=1c,path=@/qmp.sock,server=on",
  "--chardev zork,id=c",
  "--chardev socket,id=c",
  "--chardev id=c",
  "--chardev socket,id=c,zork=1,path=x",
  "--chardev socket,id=c,path=/nonexist/qmp.sock,server=on,wait=off",
  "--chardev socket,id=c,path=@/qmp.sock,server=maybe",
  "--chardev socket,id=c,path=@/nobody.sock",
  "--chardev socket,id=c,path=@/qmp.sock,wait=off",
  "--chardev socket,id=c,host=127.0.0.1,server=on,wait=off",
  "--chardev socket,id=c,path=@/q.sock,host=127.0.0.1,port=0,server=on,wait=off",
  "--object zork,id=o",
  "--object tls-creds-x509",
  "--object tls-creds-x509,id=1o,dir=@/creds",
  "--object tls-creds-x509,id=o",
  "--object tls-creds-x509,id=o,dir=/nonexist,endpoint=server",
  "--object tls-creds-x509,id=o,dir=@/creds,endpoint=zork",
  "--object tls-creds-x509,id=o,dir=@/creds,endpoint=server,verify-peer=z",
  "--object tls-creds-x509,id=o,dir=@/creds,zork=server",
  "--blockdev nbd,node-name=n,server.type=inet,server.host=none.invalid,server.port=10809",
  "--chardev socket,id=c,host=none.invalid,port=10809",
  "--chardev socket,id=c,host=127.0.0.1,port=1,to=9",
  "--chardev socket,id=c,host=127.0.0.1,port=1,ipv4=off,ipv6=off",
  "--chardev socket,id=c,host=127.0.0.1,port=10809,to=70000,server=on",
  "--chardev socket,id=c,host=127.0.0.1,port=10809,to=x,server=on",
  "--chardev socket,id=c,host=::,port=10809,ipv6=off,server=on",
  "--chardev socket,id=c,host=192.0.2.1,port=10809,server=on",
  "--chardev socket,id=c,host=127.0.0.1,port=10809,numeric=on,server=on",
  "--pidfile /nonexist/pid",
  "--pidfile",
];

/** Command lines that are ours alone, and the answers. */
const OURS: readonly (readonly [string, string])[] = [
  [
    "--blockdev rehandle,node-name=r,file.driver=null-co,iohang-timeout=soon",
    "Parameter 'iohang-timeout' expects integer",
  ],
  [
    "--blockdev rehandle,node-name=r,file.driver=null-co,rerror=enospc",
    "Parameter 'rerror' does not accept value 'enospc'",
  ],
  [
    "--blockdev rehandle,node-name=r,file.driver=null-co,probe-interval=9000",
    "Parameter 'probe-interval-max' must not be less than 'probe-interval' (9000)",
  ],
  ["--blockdev memory,node-name=m", "Parameter 'size' is missing"],
  ["--drive file=@/disk.img,format=raw,iohang-timeout=5s", "Parameter 'iohang-timeout' expects a number"],
  ["--drive file=@/disk.img,format=raw,werror=sometimes", "'sometimes' invalid write error action"],
  ["--drive file=@/disk.img,format=qcow2", "Unknown driver 'qcow2'"],
  ["--drive file=@/disk.img,format=raw,serial=x", "Block format 'raw' does not support the option 'serial'"],
  ["--drive file=@/nonexist,format=raw", "Could not open '@/nonexist': No such file or directory"],
  ["--drive x.img", "Must specify either driver or file"],
  ["--daemonize", "--daemonize is not supported"],
];

const sandbox = new Sandbox();
writeFileSync(sandbox.path("disk.img"), Buffer.alloc(65536));
mkdirSync(sandbox.path("creds"));
afterAll(() => sandbox.remove());

function words(line: string): string[] {
  return line.replaceAll("@", sandbox.folder).split(" ");
}

const available = havePrograms("qemu-storage-daemon");

describe.skipIf(!available)(
  "errors of the command line, compared with qemu-storage-daemon",
  () => {
    test.each(SAME_AS_QEMU)("%s", async (line) => {
      const ours = await runOurs(words(line));
      const theirs = await runTheirs(words(line));
      expect(comparable(ours, "rehandle-storage-daemon")).toEqual(comparable(theirs, "qemu-storage-daemon"));
      expect(ours.code).toBe(1);
    });
  },
  60_000,
);

test.each(OURS)("%s: %s", async (line, message) => {
  const { code, stderr } = await runOurs(words(line));
  expect(comparable({ code, stderr, stdout: "" }, "rehandle-storage-daemon").stderr).toContain(
    `${line}: ${message}`.replaceAll("@", sandbox.folder),
  );
  expect(code).toBe(1);
});

test("what a drive is warned of is printed before the daemon's own error", async () => {
  const line = "--drive file=@/disk.img,format=raw,snapshot";
  const option = line.replaceAll("@", sandbox.folder);
  expect((await runOurs(words(line))).stderr.split("\n")).toEqual([
    `rehandle-storage-daemon: ${option}: warning: short-form boolean option 'snapshot' deprecated`,
    "Please use snapshot=on instead",
    `rehandle-storage-daemon: ${option}: snapshot=on is not supported`,
    "",
  ]);
});

test("the program itself prints and exits as qemu-storage-daemon does", async () => {
  const refused = await runProgram(process.execPath, [...DAEMON_COMMAND, "--blockdev", "help"]);
  expect(refused).toEqual({
    code: 1,
    stdout: "",
    stderr: "rehandle-storage-daemon: --blockdev help: Help is not available for this option\n",
  });
  const version = await runProgram(process.execPath, [...DAEMON_COMMAND, "--version"]);
  expect(version).toMatchObject({ code: 0, stderr: "" });
});

test("--version and --help answer and end, wherever they stand", async () => {
  const version = await runOurs(words("--blockdev zork --version"));
  expect(version.stdout).toMatch(/^rehandle-storage-daemon version \d+\.\d+\.\d+\n/);
  const help = await runOurs(words("--help"));
  expect(help).toMatchObject({ code: 0, stderr: "" });
  for (const option of [
    "--blockdev",
    "--drive",
    "--export",
    "iohang-timeout",
    "request-timeout",
    "werror",
    "replay-log",
  ]) {
    expect(help.stdout).toContain(option);
  }
  expect((await runOurs(words("--object tls-creds-x509,help"))).stdout).toContain("endpoint=<");
  expect((await runOurs(words("--chardev help"))).stdout).toContain("  socket\n");
});
