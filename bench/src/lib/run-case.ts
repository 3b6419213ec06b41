/** One workload against all servers of a stage, in turns. */
import { join } from "node:path";
import { fill, openClient, type Client } from "./clients.ts";
import { makeDirty, settle, warm, type Storage } from "./disks.ts";
import { cpuTime, memoryOf, resetPeakMemory } from "./process-figures.ts";
import type { CaseResult, Sample, SubjectSamples } from "./results.ts";
import type { Place, Stage, Subject } from "./subject.ts";
import { leavesDirty, type Workload } from "./workloads.ts";
import type { Server, Workshop } from "./workshop.ts";

const MIB = 1024 * 1024;
/** The part of the rounds that workloads without targets have. */
const MINOR = 0.6;
/** Of a warm-up, s; enough to compile what is used. */
const WARM_UP = 0.7;

export interface CaseOptions {
  readonly rounds: number;
  /** Length of one run of a client, s. */
  readonly seconds: number;
  /** Told what is being done. */
  readonly say: (text: string) => void;
}

/** A server that takes part, until something goes wrong with it. */
interface Entrant {
  readonly subject: Subject;
  readonly place: Place;
  server: Server | null;
  readonly samples: Sample[];
  problem?: string;
}

/**
 * Starts all servers, warms each up, and runs the client against one after another, as many times as there are rounds, every
 * other round in the opposite order. All of them work on the same disk. A server that cannot take part is noted and left out.
 */
export async function runCase(
  workshop: Workshop,
  storage: Storage,
  stage: Stage,
  workload: Workload,
  options: CaseOptions,
): Promise<CaseResult> {
  const entrants = stage.subjects.map((subject): Entrant => {
    const place = { ...storage, socket: join(workshop.folder, `${subject.id}.sock`) };
    return { subject, place, server: null, samples: [] };
  });
  const ends: (() => Promise<void>)[] = [];
  try {
    if (stage.upstream === true) {
      const upstream = ["nbdkit", "-f", "-U", storage.upstream, "file", storage.disk];
      const server = await workshop.start(upstream, storage.upstream);
      ends.push(() => server.end());
    }
    for (const entrant of entrants) await enter(workshop, stage, entrant);
    options.say("warm-up");
    warm(storage);
    const client = await openClient(
      workshop,
      workload,
      present(entrants).map(({ place }) => place),
    );
    ends.push(() => client.close());
    const prepare = (): void => {
      settle(storage);
      if (leavesDirty(workload)) makeDirty(storage);
    };
    await takeTurns(entrants, turnsOf(stage, workload, options), (entrant, seconds) =>
      measured(client, prepare, entrant, seconds),
    );
  } catch (error) {
    // The upstream or the client: without it nobody can go on.
    for (const entrant of present(entrants)) await leave(entrant, error);
  } finally {
    for (const end of ends.toReversed()) await end();
    for (const { server } of entrants) await server?.end();
  }
  const subjects = entrants.map(({ subject: { id, title }, samples, problem }): SubjectSamples => {
    return { id, title, samples, ...(problem === undefined ? {} : { problem }) };
  });
  return {
    id: `${stage.id}/${workload.id}`,
    title: `${workload.title}; ${stage.title}`,
    unit: workload.unit,
    subjects,
  };
}

function turnsOf({ turns }: Stage, { minor }: Workload, { rounds, seconds, say }: CaseOptions): CaseOptions {
  const fewer = minor === true ? Math.ceil(rounds * MINOR) : rounds;
  return turns === undefined ? { rounds: fewer, seconds, say } : { rounds: fewer * turns, seconds: seconds / 2, say };
}

function present(entrants: readonly Entrant[]): Entrant[] {
  return entrants.filter(({ problem }) => problem === undefined);
}

async function takeTurns(
  entrants: readonly Entrant[],
  { rounds, seconds, say }: CaseOptions,
  measure: (entrant: Entrant, seconds: number) => Promise<Sample | null>,
): Promise<void> {
  for (const entrant of entrants) await measure(entrant, Math.min(WARM_UP, seconds));
  for (let round = 0; round < rounds; round += 1) {
    for (const entrant of round % 2 === 0 ? entrants : entrants.toReversed()) {
      say(`round ${round + 1} of ${rounds}, ${entrant.subject.title}`);
      const sample = await measure(entrant, seconds);
      if (sample !== null) entrant.samples.push(sample);
    }
  }
}

async function enter(workshop: Workshop, stage: Stage, entrant: Entrant): Promise<void> {
  const { subject, place } = entrant;
  try {
    entrant.server = await workshop.start(subject.command(place), place.socket);
    if (stage.fill === true) await fill(workshop, place);
  } catch (error) {
    await leave(entrant, error);
  }
}

/** Null if the entrant has left, or has to leave now. */
async function measured(
  client: Client,
  prepare: () => void,
  entrant: Entrant,
  seconds: number,
): Promise<Sample | null> {
  const { subject, place, server } = entrant;
  if (server === null) return null;
  try {
    prepare();
    resetPeakMemory(server.pid);
    const before = cpuTime(server.pid);
    const { requests, ...figures } = await client.run(subject, place, seconds);
    const cpu = (cpuTime(server.pid) - before) / requests;
    const { peak, anonymous } = memoryOf(server.pid);
    return { ...figures, cpu, peak: peak / MIB, anonymous: anonymous / MIB };
  } catch (error) {
    await leave(entrant, error);
    return null;
  }
}

async function leave(entrant: Entrant, reason: unknown): Promise<void> {
  const { server } = entrant;
  entrant.server = null;
  await server?.end();
  const text = reason instanceof Error ? reason.message : String(reason);
  const output = server?.output() ?? "";
  entrant.problem = [text, ...(output === "" ? [] : [`the server said: ${output}`])].join("; ");
}
