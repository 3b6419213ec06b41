import { tmpdir } from "node:os";
import { afterAll, expect, test } from "vitest";
import { haveAll } from "../testing/programs.ts";
import { createStorage } from "./disks.ts";
import { runCase } from "./run-case.ts";
import type { Stage, Subject } from "./subject.ts";
import type { Workload } from "./workloads.ts";
import { Workshop } from "./workshop.ts";

const MIB = 1024 * 1024;
const hasPeers = haveAll("nbdkit", "fio");
const workshop = new Workshop(tmpdir());
afterAll(() => workshop.close());

function subject(id: string, command: Subject["command"]): Subject {
  return { id, title: id, command };
}

const nbdkit: Subject["command"] = ({ socket, disk }) => ["nbdkit", "-f", "-U", socket, "file", disk];
const workload: Workload = {
  id: "load",
  title: "reads",
  unit: "IOPS",
  load: { client: "fio", pattern: "randread", block: 4096, depth: 4, connections: 1 },
  stages: ["stage"],
};
const options = { rounds: 2, seconds: 0.1, say: () => undefined };

test.skipIf(!hasPeers)("servers that cannot take part are named, and the others go on", async () => {
  const storage = createStorage(workshop.folder, 4 * MIB, 0, { node: "", daemon: "" });
  const stage: Stage = {
    id: "stage",
    title: "a file",
    subjects: [
      subject("good", nbdkit),
      subject("not installed", () => ["no-such-server"]),
      subject("ends", () => ["sh", "-c", "echo out of order; exit 3"]),
      subject("fails", ({ socket, disk }) =>
        "nbdkit -f --filter=error file error-pread-rate=100%".split(" ").concat("-U", socket, disk),
      ),
    ],
  };
  const { subjects } = await runCase(workshop, storage, stage, workload, options);
  expect(subjects.map(({ samples }) => samples.length)).toEqual([2, 0, 0, 0]);
  expect(subjects.map(({ problem }) => problem)).toEqual([
    undefined,
    expect.stringContaining("ENOENT"),
    expect.stringContaining("out of order"),
    expect.stringContaining("fio"),
  ]);
  for (const { rate, p50, p99, cpu, peak } of subjects[0]?.samples ?? []) {
    for (const figure of [rate, p50, p99, peak]) expect(figure).toBeGreaterThan(0);
    // A short run may take less than a tick of the clock.
    expect(cpu).toBeGreaterThanOrEqual(0);
  }

  const lonely = { ...storage, disk: `${storage.disk}-that-is-gone` };
  const proxies = await runCase(workshop, lonely, { ...stage, upstream: true }, workload, options);
  for (const { problem } of proxies.subjects) expect(problem).toBeDefined();
});
