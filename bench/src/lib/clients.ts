/** Runs a workload's client against a server. */
import { fioArguments, REGION } from "./fio-arguments.ts";
import { parseFioReport, type ClientFigures } from "./fio-report.ts";
import type { FrontEndReport } from "./front-end-report.ts";
import { bootGuest } from "./guest-client.ts";
import { ownProgram } from "./own-program.ts";
import { DISK, type Place, type Subject } from "./subject.ts";
import type { CopyLoad, FioLoad, FrontEndLoad, Workload } from "./workloads.ts";
import type { Workshop } from "./workshop.ts";

/** A workload's client, for all servers of a case. */
export interface Client {
  /**
   * Runs the load against one server to its end.
   * @param seconds How long it is to last; nbdcopy takes as long as it takes.
   * @throws {Error} (as a rejection) If the client saw an error.
   */
  run(subject: Subject, place: Place, seconds: number): Promise<ClientFigures>;
  close(): Promise<void>;
}

/** @param places Of the servers that take part. @throws {Error} (as a rejection) If there cannot be such a client. */
export async function openClient(workshop: Workshop, workload: Workload, places: readonly Place[]): Promise<Client> {
  const { load, unit } = workload;
  if (load.client === "guest") return bootGuest(load, unit, places);
  return {
    run: (subject, place, seconds) => {
      if (load.client === "fio") return runFio(workshop, load, unit, subject, place, seconds);
      if (load.client === "nbdcopy") return runCopy(workshop, load, place);
      return runFrontEnd(workshop, load, unit, place, seconds);
    },
    close: () => Promise.resolve(),
  };
}

/** Copies the disk to the server. */
export async function fill(workshop: Workshop, place: Place): Promise<void> {
  await workshop.run(["nbdcopy", "--no-extents", place.disk, uriOf(place.socket, DISK)]);
}

function uriOf(socket: string, name: string): string {
  return `nbd+unix:///${name}?socket=${socket}`;
}

async function runFio(
  workshop: Workshop,
  load: FioLoad,
  unit: Workload["unit"],
  subject: Subject,
  place: Place,
  seconds: number,
): Promise<ClientFigures> {
  const names = subject.exports?.(place) ?? [DISK];
  const shared = fioArguments(load, seconds, subject.exports === undefined ? place.size : SMALL_DISK);
  const jobs = names.flatMap((name) => [
    `--name=${name}`,
    "--ioengine=nbd",
    `--uri=${uriOf(place.socket, name)}`,
    ...shared,
  ]);
  return parseFioReport(await workshop.run(["fio", ...jobs], seconds), unit);
}

async function runCopy(workshop: Workshop, load: CopyLoad, place: Place): Promise<ClientFigures> {
  const uri = uriOf(place.socket, DISK);
  const [from, to] = load.direction === "read" ? [uri, "null:"] : [place.disk, uri];
  const start = performance.now();
  await workshop.run(["nbdcopy", "--no-extents", from, to]);
  const seconds = (performance.now() - start) / 1000;
  return { rate: place.size / 1e6 / seconds, requests: place.size / NBDCOPY_REQUEST };
}

async function runFrontEnd(
  workshop: Workshop,
  load: FrontEndLoad,
  unit: Workload["unit"],
  place: Place,
  seconds: number,
): Promise<ClientFigures> {
  const { pattern, block, depth } = load;
  const region = Math.min(place.size, REGION);
  const numbers = [block, depth, seconds, region].map(String).concat(load.flush === true ? ["flush"] : []);
  const text = await workshop.run([...ownProgram("front-end-load"), place.socket, pattern, ...numbers], seconds);
  const { iops, requests, p50, p99 } = JSON.parse(text) as FrontEndReport;
  return { rate: unit === "IOPS" ? iops : (iops * load.block) / 1e6, requests, p50, p99 };
}

/** Size of each disk of the stage with many exports, bytes. */
export const SMALL_DISK: number = 8 * 1024 * 1024;
/** What nbdcopy asks for at a time, bytes. */
const NBDCOPY_REQUEST = 256 * 1024;
