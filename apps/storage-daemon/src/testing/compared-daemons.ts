import { Readable, Writable } from "node:stream";
import { startDaemon } from "../index.ts";
import { runProgram, type Ended } from "./programs.ts";

/** Runs our daemon to its end, in this process, which is quicker by far than the start of the program. */
export async function runOurs(words: readonly string[]): Promise<Ended> {
  let stdout = "";
  let stderr = "";
  const daemon = startDaemon(words, {
    stdin: Readable.from([]),
    stdout: sink((text) => (stdout += text)),
    stderr: sink((text) => (stderr += text)),
  });
  return { code: await daemon.exited, stdout, stderr };
}

/** Runs QEMU's to its end. */
export function runTheirs(words: readonly string[]): Promise<Ended> {
  return runProgram("qemu-storage-daemon", words, { deadline: 20_000 });
}

/** What must be the same: all but log lines, the program's name, and the line that says what was perhaps meant. */
export function comparable({ code, stdout, stderr }: Ended, program: string): Ended {
  const lines = stderr
    .split("\n")
    .filter((line) => !/^\d{4}-\d\d-\d\dT/.test(line) && !line.startsWith("Did you mean"))
    .map((line) => (line.startsWith(`${program}: `) ? line.slice(program.length + 2) : line));
  return { code, stdout, stderr: lines.join("\n") };
}

function sink(take: (text: string) => void): Writable {
  return new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      take(chunk.toString());
      done();
    },
  });
}
