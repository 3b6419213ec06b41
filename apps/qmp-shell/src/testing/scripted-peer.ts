import { JsonStream, isJsonObject, type JsonValue } from "@rehandle/json";
import { createServer } from "node:net";
import type { Sandbox } from "./sandbox.ts";

/** What a scripted peer does about a command: a reply without its id, nothing, or the end of the connection. */
export type Answer = (command: string, message: string) => object | "nothing" | "end";

const GREETING = {
  QMP: { version: { qemu: { micro: 0, minor: 2, major: 9 }, package: "scripted" }, capabilities: [] },
};

/** A peer with no command at all. */
export const refuseAll: Answer = (command) => ({ error: { class: "CommandNotFound", desc: `no ${command}` } });

/** Somebody who greets, negotiates, and then answers by a script. Resolves with the address. */
export function scriptedPeer(sandbox: Sandbox, answer: Answer): Promise<string> {
  return listen(sandbox, `${JSON.stringify(GREETING)}\r\n`, (message) => {
    const { execute, id } = JSON.parse(message) as { execute: string; id: unknown };
    const reply = execute === "qmp_capabilities" ? { return: {} } : answer(execute, message);
    return typeof reply === "string" ? reply : `${JSON.stringify({ ...reply, id })}\r\n`;
  });
}

/** Somebody who says this to everybody who connects, and hears nothing. Resolves with the address. */
export function babbler(sandbox: Sandbox, text: string): Promise<string> {
  return listen(sandbox, text, () => "nothing");
}

async function listen(sandbox: Sandbox, greeting: string, answer: (message: string) => string): Promise<string> {
  const path = sandbox.path("scripted.sock");
  const server = createServer((socket) => {
    const value = (message: JsonValue): void => {
      const reply = isJsonObject(message) ? answer(JSON.stringify(message)) : "nothing";
      if (reply === "end") socket.destroy();
      else if (reply !== "nothing") socket.write(reply);
    };
    const stream = new JsonStream({ value, error: () => undefined });
    socket.on("error", () => undefined);
    socket.on("data", (bytes: Uint8Array) => stream.feed(bytes));
    socket.write(greeting);
  });
  await new Promise<void>((resolve) => void server.listen(path, resolve));
  server.unref();
  return path;
}
