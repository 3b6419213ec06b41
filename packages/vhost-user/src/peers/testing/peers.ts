import type { BackEnd, BackEndOptions } from "./back-end.ts";
import { havePrograms } from "./debian.ts";
import { startOwnBackEnd } from "./own-back-end.ts";
import { startQemuStorageDaemon } from "./qemu-storage-daemon.ts";

/** Where back ends may rightly differ. Whatever is not in here has to be the same for all. */
interface Differences {
  /** INFLIGHT_SHMFD: what a killed back end had in flight is taken up by the next. */
  readonly inflight: boolean;
  /** RING_PACKED. */
  readonly packed: boolean;
  /** RESET_DEVICE. */
  readonly resetDevice: boolean;
  /** CONFIG_CHANGE_MSG is sent when the disk is resized. */
  readonly resizeHeard: boolean;
  /** GET_CONFIG honours its offset. */
  readonly configOffset: boolean;
  /** What a vring that is disabled has is left alone. */
  readonly disabledVringRests: boolean;
  /** A front end may leave while requests are in flight. */
  readonly survivesLeaving: boolean;
  /** What GET_ID answers. */
  readonly serial: string;
  /** `used.len` never counts more than what was written. */
  readonly usedLengthExact: boolean;
}

/** A back end that all suites here drive. */
export interface Peer {
  readonly name: string;
  readonly start: (options?: BackEndOptions) => Promise<BackEnd>;
  readonly is: Differences;
}

const QEMU_STORAGE_DAEMON: Peer = {
  name: "qemu-storage-daemon",
  start: startQemuStorageDaemon,
  is: {
    // QEMU 7.2's library for back ends knows the messages, but its storage daemon does not offer the feature.
    inflight: false,
    // The library has no code for packed rings.
    packed: false,
    // Not known to the library: a message that it does not know makes it give up on the device.
    resetDevice: false,
    // From QEMU 8.0 on only; before, the export checks requests against the new size but tells the old one.
    resizeHeard: false,
    // GET_CONFIG always starts at 0 there; QEMU itself never asks for anything else.
    configOffset: false,
    // SET_VRING_ENABLE is noted there and not looked at.
    disabledVringRests: false,
    // A kick that is noticed while it waits for requests of a front end that left ends it: assertion `!server->wait_idle'.
    survivesLeaving: false,
    // Fixed in the source; there is no option.
    serial: "vhost_user_blk",
    // After an error it counts the whole of what it might have written.
    usedLengthExact: false,
  },
};

const OWN: Peer = {
  name: "@rehandle/vhost-user",
  start: startOwnBackEnd,
  is: {
    inflight: true,
    packed: true,
    resetDevice: true,
    resizeHeard: true,
    configOffset: true,
    disabledVringRests: true,
    survivesLeaving: true,
    serial: "rehandle-peer",
    usedLengthExact: true,
  },
};

/** The peers that can be driven here. */
export const PEERS: readonly Peer[] = havePrograms("qemu-storage-daemon") ? [OWN, QEMU_STORAGE_DAEMON] : [OWN];
