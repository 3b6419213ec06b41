/**
 * The targets, as data: what the medians of a run are held against. A measure that a run did not take is not judged.
 * `ours/<peer>` is the median of ours divided by the peer's, round by round.
 */

export interface Target {
  /** The name of a measure, see `Measures`. */
  readonly measure: string;
  readonly atLeast?: number;
  readonly atMost?: number;
}

const qemu = ["qemu-nbd", "qemu-nbd-uring", "qsd"];
const qemuProxies = ["qemu-nbd-nbd", "qsd-nbd"];
const nbdkitProxy = ["nbdkit-retry-nbd"];

/** What a daemon may ever take, MiB, whatever its clients do. */
const MEMORY_BOUND = 256;

/**
 * By how much a request may be dearer among a hundred times as many, for the cost to count as linear: what grows with the
 * square makes it 100; garbage collection and memory that no cache holds make it somewhat more than 1.
 */
const LINEAR = 1.5;

export const targets: readonly Target[] = [
  ...faster("file/4k-randread-d32", ["nbdkit-file"], 1.4),
  ...faster("file/4k-randread-d32", qemu, 3),
  ...faster("file/4k-randwrite-d32", ["nbdkit-file"], 1.1),
  ...faster("file/4k-randwrite-d32", qemu, 3),
  ...faster("file/4k-randread-d1", ["nbdkit-file"], 1),
  ...faster("file/4k-randread-d1", qemu, 1.3),
  ...faster("file/128k-read-d8", ["nbdkit-file"], 1),
  ...faster("file/128k-read-d8", qemu, 1.3),
  ...faster("file/nbdcopy-read", ["nbdkit-file"], 0.9),
  ...faster("file/nbdcopy-read", qemu, 2),
  ...["proxy/4k-randread-d32", "proxy/4k-randwrite-d32"].flatMap((id) => [
    ...faster(id, nbdkitProxy, 5),
    ...faster(id, qemuProxies, 2),
  ]),
  ...faster("proxy/4k-randread-d1", nbdkitProxy, 1),
  ...faster("proxy/4k-randread-d1", qemuProxies, 1),
  ...faster("proxy/128k-read-d8", nbdkitProxy, 1.5),
  ...faster("proxy/128k-read-d8", qemuProxies, 1),
  ...faster("vhost-user/4k-randread-d32", ["qsd"], 1.5),
  ...["file/4k-randread-d32", "file/4k-randwrite-d32"].flatMap((id) => [
    ...leaner(id, ["nbdkit-file"], 0.8),
    ...leaner(id, qemu, 0.3),
  ]),
  ...["hang-file", "hang-memory", "hang-proxy", "hang-vhost-user"].flatMap((stage) =>
    ["4k-randread-d32", "4k-randwrite-d32"].flatMap((load) => faster(`${stage}/${load}`, ["ours-off"], 0.98)),
  ),
  { measure: "micro engine, ns added by I/O hang", atMost: 150 },
  { measure: "micro engine, bytes of heap added by I/O hang", atMost: 1 },
  { measure: "recovery ours first reply, median ms", atMost: 20 },
  { measure: "recovery ours first reply, p99 ms", atMost: 100 },
  { measure: "recovery ours errors", atMost: 0 },
  { measure: "drain ours/normal", atLeast: 0.8 },
  { measure: "drain bytes per held 4k write", atMost: 5 * 1024 },
  { measure: "start-up ours first answer, ms", atMost: 250 },
  { measure: "start-up ours idle resident, MiB", atMost: 80 },
  { measure: "peak memory of ours, MiB", atMost: MEMORY_BOUND },
  ...faster("exports/4k-randread-exports", ["ours-one"], 0.9),
  { measure: "scale ns per request, 1000000 held to 10000", atMost: LINEAR },
  { measure: "scale bytes per request, 1000000 held to 10000", atMost: LINEAR },
];

function faster(id: string, peers: readonly string[], atLeast: number): Target[] {
  return peers.map((peer) => ({ measure: `${id} rate ours/${peer}`, atLeast }));
}

function leaner(id: string, peers: readonly string[], atMost: number): Target[] {
  return peers.map((peer) => ({ measure: `${id} cpu ours/${peer}`, atMost }));
}
