import { connect } from "node:net";
import { createInterface } from "node:readline";

/** Connects to a QMP monitor, runs one command, and hangs up. @throws Error with what QMP answered. */
export async function runQmpCommand(path: string, execute: string, args: object): Promise<unknown> {
  const socket = connect(path);
  try {
    const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
    await lines.next();
    await ask(lines, (text) => socket.write(text), { execute: "qmp_capabilities" });
    return await ask(lines, (text) => socket.write(text), { execute, arguments: args });
  } finally {
    socket.destroy();
  }
}

async function ask(lines: AsyncIterator<string>, write: (text: string) => void, command: object): Promise<unknown> {
  write(`${JSON.stringify(command)}\n`);
  for (;;) {
    const { done = false, value } = await lines.next();
    if (done) throw new Error(`the monitor hung up on ${JSON.stringify(command)}`);
    const message = JSON.parse(String(value)) as Record<string, unknown>;
    if ("return" in message) return message["return"];
    if ("error" in message) throw new Error(JSON.stringify(message["error"]));
  }
}
