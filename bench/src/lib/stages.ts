/** The servers that are compared, in the arrangements in which they are. */
import { ourDaemon, ourManyExports, ourVhostUser, overNbd, type Hang } from "./our-daemon.ts";
import { DISK, type Place, type Stage, type Subject } from "./subject.ts";

/** How many clients qemu-nbd is to serve at a time, which it has to be told. */
const QEMU_CLIENTS = 128;
/** How long QEMU holds requests while its upstream is away, s. */
const RECONNECT_DELAY = 60;

const ourNames = {
  on: { id: "ours", title: "ours" },
  off: { id: "ours-off", title: "ours, iohang-timeout=0" },
  bare: { id: "ours-bare", title: "ours, no rehandle node" },
} as const;

const fileStage: Stage = {
  id: "file",
  title: "a file in the page cache",
  subjects: [
    ours(onFile, "on"),
    nbdkit("nbdkit-file", "nbdkit file", ({ disk }) => ["file", disk]),
    nbdkit("nbdkit-retry", "nbdkit --filter=retry file", ({ disk }) => ["--filter=retry", "file", disk]),
    qemuNbd("qemu-nbd", "qemu-nbd, threads", ({ disk }) => qemuFile(disk)),
    qemuNbd("qemu-nbd-uring", "qemu-nbd, io_uring", ({ disk }) => `${qemuFile(disk)},aio=io_uring`),
    qemuDaemon("qsd", "qemu-storage-daemon", ({ disk }) => qemuFile(disk)),
  ],
};

const memoryStage: Stage = {
  id: "memory",
  title: "a disk in memory",
  fill: true,
  subjects: [ours(onMemory, "on"), nbdkit("nbdkit-memory", "nbdkit memory", ({ size }) => ["memory", `${size}`])],
};

const proxyStage: Stage = {
  id: "proxy",
  title: "an NBD upstream (nbdkit file)",
  upstream: true,
  subjects: [
    ours(overNbd, "on"),
    nbdkit("nbdkit-retry-nbd", "nbdkit --filter=retry nbd", ({ upstream }) => [
      "--filter=retry",
      "nbd",
      `socket=${upstream}`,
      `export=${DISK}`,
    ]),
    qemuNbd("qemu-nbd-nbd", "qemu-nbd over nbd", ({ upstream }) => qemuOverNbd(upstream)),
    qemuDaemon("qsd-nbd", "qemu-storage-daemon over nbd", ({ upstream }) => qemuOverNbd(upstream)),
  ],
};

const exportsStage: Stage = {
  id: "exports",
  title: "100 exports of one server",
  subjects: [
    { id: "ours", title: "ours, 100 busy", command: ourManyExports, exports: ({ names }) => names },
    { id: "ours-one", title: "ours, 1 of 100 busy", command: ourManyExports, exports: firstOf },
    { ...nbdkitFolder("nbdkit-dir", "nbdkit file dir=, 100 busy"), exports: ({ names }) => names },
    { ...nbdkitFolder("nbdkit-dir-one", "nbdkit file dir=, 1 busy"), exports: firstOf },
    { id: "qsd", title: "qemu-storage-daemon, 100 busy", command: qemuManyExports, exports: ({ names }) => names },
    { id: "qsd-one", title: "qemu-storage-daemon, 1 busy", command: qemuManyExports, exports: firstOf },
  ],
};

const vhostUserStage: Stage = {
  id: "vhost-user",
  title: "a file in the page cache, as a vhost-user-blk device",
  subjects: [ourDisk("on"), { id: "qsd", title: "qemu-storage-daemon", command: qemuVhostUser }],
};

/** The same servers; the client is a Linux under QEMU. */
const guestStage: Stage = { ...vhostUserStage, id: "guest", title: "a Linux guest's vhost-user-blk device" };

/** Servers that do almost the same are told apart by many short turns. */
const TURNS = 4;

/** What I/O hang costs while nothing is wrong: ours against ours with it switched off, on the storage of other stages. */
const hangStages: readonly Stage[] = [
  hangStage(fileStage, [ours(onFile, "on"), ours(onFile, "off"), ours(onFile, "bare")]),
  hangStage(memoryStage, [ours(onMemory, "on"), ours(onMemory, "off")]),
  hangStage(proxyStage, [ours(overNbd, "on"), ours(overNbd, "off")]),
  hangStage(vhostUserStage, [ourDisk("on"), ourDisk("off")]),
];

/** In the order in which they are measured. */
export const stages: readonly Stage[] = [
  fileStage,
  memoryStage,
  proxyStage,
  exportsStage,
  vhostUserStage,
  guestStage,
  ...hangStages,
];

function hangStage(stage: Stage, subjects: readonly Subject[]): Stage {
  return {
    ...stage,
    id: `hang-${stage.id}`,
    title: `${stage.title}, with I/O hang and without`,
    subjects,
    turns: TURNS,
  };
}

function ours(blockdev: (place: Place) => string, hang: Hang): Subject {
  return { ...ourNames[hang], command: (place) => ourDaemon(place, blockdev(place), hang) };
}

function ourDisk(hang: Hang): Subject {
  return { ...ourNames[hang], command: (place) => ourVhostUser(place, hang) };
}

function onFile({ disk }: Place): string {
  return `file,filename=${disk}`;
}

function onMemory({ size }: Place): string {
  return `memory,size=${size}`;
}

function nbdkit(id: string, title: string, args: (place: Place) => readonly string[]): Subject {
  return { id, title, command: (place) => ["nbdkit", "-f", "-U", place.socket, ...args(place)] };
}

function nbdkitFolder(id: string, title: string): Subject {
  return nbdkit(id, title, ({ folder }) => ["file", `dir=${folder}`]);
}

function qemuNbd(id: string, title: string, image: (place: Place) => string): Subject {
  return {
    id,
    title,
    command: (place) => [
      "qemu-nbd",
      "--persistent",
      "--shared",
      `${QEMU_CLIENTS}`,
      "--socket",
      place.socket,
      "--export-name",
      DISK,
      "--image-opts",
      image(place),
    ],
  };
}

function qemuDaemon(id: string, title: string, blockdev: (place: Place) => string): Subject {
  return {
    id,
    title,
    command: (place) => [
      "qemu-storage-daemon",
      "--blockdev",
      `${blockdev(place)},node-name=storage`,
      ...qemuNbdServer(place),
      "--export",
      `nbd,id=e,node-name=storage,name=${DISK},writable=on`,
    ],
  };
}

/** Locks are off because all servers share one file. */
function qemuFile(path: string): string {
  return `driver=file,filename=${path},locking=off`;
}

function qemuOverNbd(upstream: string): string {
  return `driver=nbd,server.type=unix,server.path=${upstream},export=${DISK},reconnect-delay=${RECONNECT_DELAY}`;
}

function qemuNbdServer(place: Place): string[] {
  return ["--nbd-server", `addr.type=unix,addr.path=${place.socket}`];
}

function qemuManyExports(place: Place): string[] {
  const nodes = place.names.flatMap((name) => [
    "--blockdev",
    `${qemuFile(`${place.folder}/${name}`)},node-name=${name}`,
  ]);
  const exports = place.names.flatMap((name) => [
    "--export",
    `nbd,id=e-${name},node-name=${name},name=${name},writable=on`,
  ]);
  return ["qemu-storage-daemon", ...nodes, ...qemuNbdServer(place), ...exports];
}

function qemuVhostUser(place: Place): string[] {
  return [
    "qemu-storage-daemon",
    "--blockdev",
    `${qemuFile(place.disk)},node-name=storage`,
    "--export",
    `vhost-user-blk,id=e,node-name=storage,addr.type=unix,addr.path=${place.socket},writable=on`,
  ];
}

function firstOf({ names }: Place): readonly string[] {
  return names.slice(0, 1);
}
