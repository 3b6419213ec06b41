import { createNbdDriver } from "@rehandle/driver-nbd";
import { createRandom, type BlockDriver } from "@rehandle/driver-sdk";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { inSandbox } from "./testing/in-sandbox.ts";
import { havePrograms } from "./testing/programs.ts";
import { describeGraph, QmpPeer } from "./testing/qmp-peer.ts";
import { SESSIONS } from "./testing/qmp-sessions.ts";
import type { Step } from "./testing/qmp-steps.ts";
import { randomSession } from "./testing/random-session.ts";
import type { Sandbox } from "./testing/sandbox.ts";
import { clock, until } from "./testing/time.ts";

type Whose = "ours" | "theirs";

/** Plays a session; resolves with what was said at each step, and with what is there in the end. */
async function play(whose: Whose, sandbox: Sandbox, steps: readonly Step[]): Promise<unknown[]> {
  const peer = await QmpPeer.start(whose, sandbox);
  const clients = new Map<string, BlockDriver>();
  const transcript: unknown[] = [];
  for (const step of steps) transcript.push({ step, answer: await take(whose, peer, clients, step) });
  const isOver = steps.some((step) => Array.isArray(step) && step[0] === "quit");
  if (!isOver) transcript.push(await describeGraph(peer));
  for (const client of clients.values()) await client.close();
  return transcript;
}

async function take(whose: Whose, peer: QmpPeer, clients: Map<string, BlockDriver>, step: Step): Promise<unknown> {
  if ("connect" in step) {
    const driver = createNbdDriver({
      server: { type: "unix", path: join(peer.folder, "n.sock") },
      export: step.connect,
    });
    clients.set(step.connect, driver);
    await driver.open({ clock, random: createRandom(1), held: true, onEvent: () => undefined });
    return "connected";
  }
  if ("leave" in step) return clients.get(step.leave)?.close();
  if ("event" in step) return peer.event();
  if ("until" in step) {
    return until("it is no longer in use", async () => {
      const answer = await peer.run(step.until);
      return !answer.join().includes("still in use") && answer;
    });
  }
  if (!("command" in step)) return withoutShutdown(await peer.run(step));
  const answer = await peer.run(step.command);
  if (whose === "theirs") {
    expect(answer, "it is as in QEMU after all").not.toEqual([step.ours]);
    if (step.undo !== undefined) await peer.run(step.undo);
    return [step.ours];
  }
  return answer;
}

/** QEMU's daemon does not say that it ends. */
function withoutShutdown(lines: readonly string[]): string[] {
  return lines.filter((line) => !line.startsWith("SHUTDOWN "));
}

async function playBoth(steps: readonly Step[]): Promise<{ theirs: unknown[]; ours: unknown[] }> {
  let theirs: unknown[] = [];
  let ours: unknown[] = [];
  await inSandbox(async (sandbox) => {
    [theirs, ours] = await Promise.all([play("theirs", sandbox, steps), play("ours", sandbox, steps)]);
  });
  return { theirs, ours };
}

const commands = SESSIONS.flatMap(([, steps]) => steps).filter((step) => Array.isArray(step) || "command" in step);

test("the sessions are many", () => {
  expect(commands.length).toBeGreaterThanOrEqual(120);
});

describe.runIf(havePrograms("qemu-storage-daemon"))(
  "QMP, compared with qemu-storage-daemon",
  { timeout: 60_000 },
  () => {
    test.each(SESSIONS)("%s", async (_title, steps) => {
      const { theirs, ours } = await playBoth(steps);
      expect(ours).toEqual(theirs);
    });

    test.each([1, 2, 3, 4, 5, 6])("whatever comes, seed %i", async (seed) => {
      const { theirs, ours } = await playBoth(randomSession(createRandom(seed), 150));
      expect(ours).toEqual(theirs);
    });
  },
);
