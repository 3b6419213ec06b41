/** A Linux guest under QEMU, each of whose disks is one server's, as a client. */
import { createSystemClock } from "@rehandle/driver-sdk";
import { makeGuestImage, QemuGuest, Sandbox } from "@rehandle/guest-demo";
import type { Client } from "./clients.ts";
import { fioArguments } from "./fio-arguments.ts";
import { parseFioReport, type ClientFigures } from "./fio-report.ts";
import type { Place } from "./subject.ts";
import type { GuestLoad, Workload } from "./workloads.ts";

/** Of the guest, MiB: fio has many libraries, and the initramfs with them is in memory. */
const MEMORY = 768;
/** How much longer than asked a load may take, ms: emulation starts programs slowly. */
const MARGIN = 60_000;

/** The guest; a load runs on one of its disks at a time. */
class GuestClient implements Client {
  readonly #sandbox: Sandbox;
  readonly #guest: QemuGuest;
  readonly #load: GuestLoad;
  readonly #unit: Workload["unit"];
  /** Sockets, in the order of the disks. */
  readonly #disks: readonly string[];

  constructor(sandbox: Sandbox, guest: QemuGuest, load: GuestLoad, unit: Workload["unit"], disks: readonly string[]) {
    this.#sandbox = sandbox;
    this.#guest = guest;
    this.#load = load;
    this.#unit = unit;
    this.#disks = disks;
  }

  async run(_subject: unknown, place: Place, seconds: number): Promise<ClientFigures> {
    const device = diskName(this.#disks.indexOf(place.socket));
    const engine = [`--filename=/dev/${device}`, "--ioengine=libaio", "--direct=1", "--disk_util=0"];
    const load = { ...this.#load, connections: 1 };
    const command = ["fio", `--name=${device}`, ...engine, ...fioArguments(load, seconds, place.size)].join(" ");
    return parseFioReport(await this.#guest.agent.mustRun(command, seconds * 1000 + MARGIN), this.#unit);
  }

  async close(): Promise<void> {
    await this.#guest.kill();
    await this.#sandbox.remove();
  }
}

/** Boots a guest with a disk for each place. @throws {Error} (as a rejection) If it does not boot. */
export async function bootGuest(load: GuestLoad, unit: Workload["unit"], places: readonly Place[]): Promise<Client> {
  const clock = createSystemClock();
  const image = await makeGuestImage(clock, ["fio"]);
  const disks = places.map(({ socket }) => socket);
  const sandbox = new Sandbox(clock);
  try {
    const guest = await QemuGuest.boot(sandbox, { name: "bench", image, disks, memory: MEMORY });
    return new GuestClient(sandbox, guest, load, unit, disks);
  } catch (error) {
    await sandbox.remove();
    throw error;
  }
}

/** `vda`, `vdb` and so on. */
function diskName(index: number): string {
  return `vd${String.fromCodePoint(("a".codePointAt(0) ?? 0) + index)}`;
}
