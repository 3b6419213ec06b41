/** How long servers take from their start to the first answer, and what memory they have while nothing happens. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Storage } from "./disks.ts";
import { connectNbdClient, type NbdClient } from "./nbd-client.ts";
import { memoryOf } from "./process-figures.ts";
import { DISK, type Subject } from "./subject.ts";
import { within } from "./within.ts";
import type { Workshop } from "./workshop.ts";

const MIB = 1024 * 1024;
/** When a server that has answered one request counts as idle, ms. */
const IDLE_AFTER = 1000;
const DEADLINE = 20_000;

export interface StartUpResult {
  readonly id: string;
  readonly title: string;
  /** From the start of the process to the answer to the first read, ms. */
  readonly firstAnswer: readonly number[];
  /** Resident memory a second after that, MiB. */
  readonly resident: readonly number[];
  readonly problem?: string;
}

/** Starts each server as many times as there are rounds, in turns. */
export async function measureStartUp(
  workshop: Workshop,
  storage: Storage,
  subjects: readonly Subject[],
  rounds: number,
): Promise<StartUpResult[]> {
  const results = subjects.map(({ id, title }) => {
    return { id, title, firstAnswer: [] as number[], resident: [] as number[], problem: "" };
  });
  for (let round = 0; round < rounds; round += 1) {
    for (const [at, subject] of subjects.entries()) {
      const result = results[at];
      if (result === undefined || result.problem !== "") continue;
      try {
        const { firstAnswer, resident } = await startOnce(workshop, storage, subject);
        result.firstAnswer.push(firstAnswer);
        result.resident.push(resident);
      } catch (error) {
        result.problem = error instanceof Error ? error.message : String(error);
      }
    }
  }
  return results.map(({ problem, ...result }) => (problem === "" ? result : { ...result, problem }));
}

async function startOnce(
  workshop: Workshop,
  storage: Storage,
  subject: Subject,
): Promise<{ firstAnswer: number; resident: number }> {
  const socket = join(workshop.folder, `${subject.id}.sock`);
  const start = performance.now();
  const server = workshop.launch(subject.command({ ...storage, socket }), socket);
  let client: NbdClient | null = null;
  try {
    while (client === null) {
      client = await connectNbdClient(socket, DISK).catch(() => null);
      if (client !== null) break;
      if (server.ended() || performance.now() - start > DEADLINE) throw new Error(`no answer: ${server.output()}`);
      await sleep(1);
    }
    const connected = client;
    const read = new Promise<void>((resolve, reject) => {
      connected.read(0, 4096, (error) => (error === 0 ? resolve() : reject(new Error(`error ${error}`))));
    });
    await within(DEADLINE, read, "the first read");
    const firstAnswer = performance.now() - start;
    await sleep(IDLE_AFTER);
    return { firstAnswer, resident: memoryOf(server.pid).resident / MIB };
  } finally {
    client?.close();
    await server.end();
  }
}
