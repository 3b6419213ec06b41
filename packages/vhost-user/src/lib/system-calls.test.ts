import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { loadSystemCalls, Seal } from "./system-calls.ts";

const calls = await loadSystemCalls();
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "vhost-user-"));
afterAll(() => fs.rmSync(folder, { recursive: true }));

function openDescriptors(): string[] {
  return fs.readdirSync("/proc/self/fd");
}

test("memory files are shared, sized and sealed", () => {
  const fd = calls.createMemoryFile("test", 8192);
  expect(calls.fileStatus(fd)).toMatchObject({ isFile: true, size: 8192, pageSize: calls.pageSize });
  const first = calls.map(fd, 0, 8192);
  const second = calls.map(fd, 4096, 4096);
  new Uint8Array(calls.view(first, 8192))[4097] = 7;
  expect(new Uint8Array(calls.view(second, 4096))[1]).toBe(7);
  expect(calls.getSeals(fd)).toBe(0);
  expect(calls.addSeals(fd, Seal.SHRINK)).toBe(true);
  expect(() => calls.truncate(fd, 4096)).toThrow(expect.objectContaining({ code: "EPERM" }));
  calls.unmap(first, 8192);
  calls.unmap(second, 4096);
  calls.close(fd);
  expect(() => calls.fileStatus(fd)).toThrow(expect.objectContaining({ code: "EBADF" }));
});

test("a private mapping over a shared one keeps later changes to itself", () => {
  const fd = calls.createMemoryFile("test", 8192);
  const address = calls.map(fd, 0, 8192);
  const seen = new Uint8Array(calls.view(address, 8192));
  seen[4096] = 1;
  calls.map(fd, 4096, 4096, { private: true, at: address + 4096n });
  expect(seen[4096]).toBe(1);
  seen[4096] = 2;
  seen[0] = 3;
  const other = calls.map(fd, 0, 8192);
  expect([...new Uint8Array(calls.view(other, 8192)).filter((byte) => byte > 0)]).toEqual([3, 1]);
  calls.unmap(address, 8192);
  calls.unmap(other, 8192);
  calls.close(fd);
});

test("events and descriptors travel over sockets to where they belong", async () => {
  const before = openDescriptors().length;
  const [left, right] = calls.socketPair();
  const event = calls.createEvent();
  expect(calls.send(left, Uint8Array.of(1, 2, 3), [event, left])).toBe(3);
  const bytes = new Uint8Array(16);
  const fds: number[] = [];
  expect(calls.receive(right, bytes, 1, 2, fds)).toBe(2);
  expect(calls.receive(right, bytes, 3, 10, fds)).toBe(1);
  expect(calls.receive(right, bytes, 0, 16, fds)).toBeNull();
  expect([...bytes.subarray(0, 5)]).toEqual([0, 1, 2, 3, 0]);
  expect(fds).toHaveLength(2);
  const copy = fds[0] ?? -1;
  const told = new Promise<void>((resolve, reject) => {
    const watcher = calls.watch(
      copy,
      { readable: true },
      {
        onReady: () => {
          watcher.close();
          resolve();
        },
        onError: reject,
      },
    );
  });
  expect(calls.readEvent(event)).toBe(false);
  expect(calls.writeEvent(event)).toBe(true);
  await told;
  expect(calls.readEvent(copy)).toBe(true);
  expect(calls.readEvent(event)).toBe(false);
  for (const fd of [left, ...fds]) calls.close(fd);
  expect(calls.receive(right, bytes, 0, 16, fds)).toBe(0);
  for (const fd of [right, event]) calls.close(fd);
  expect(openDescriptors()).toHaveLength(before);
});

const hasPython = fs.existsSync("/usr/bin/python3");
if (!hasPython) console.warn("SKIPPED: events of a peer that makes them block: install python3");

test.skipIf(!hasPython && process.env["CI"] === undefined)(
  "events of a peer that makes them block, and full, are not waited for",
  () => {
    const event = calls.createEvent();
    // No library function of Node sets it back; a child process that shares the descriptor does.
    const clear = "import fcntl,os; fcntl.fcntl(0, fcntl.F_SETFL, fcntl.fcntl(0, fcntl.F_GETFL) & ~os.O_NONBLOCK)";
    execFileSync("python3", ["-c", clear], { stdio: [event, "inherit", "inherit"] });
    expect(fs.readFileSync(`/proc/self/fdinfo/${event}`, "utf8")).toMatch(/flags:\s+02000002/);
    expect(calls.readEvent(event)).toBe(false);
    fs.writeSync(event, new Uint8Array(BigUint64Array.of(0xfffffffffffffffen).buffer));
    expect(calls.writeEvent(event)).toBe(true);
    expect(calls.writeEvent(event)).toBe(true);
    expect(calls.readEvent(event)).toBe(true);
    expect(calls.readEvent(event)).toBe(false);
    calls.close(event);
  },
);

test("pipes may stand in for events", () => {
  const pipe = path.join(folder, "pipe");
  execFileSync("mkfifo", [pipe]);
  const fd = fs.openSync(pipe, "r+");
  calls.setNonBlocking(fd);
  expect(calls.readEvent(fd)).toBe(false);
  expect(calls.writeEvent(fd)).toBe(true);
  expect(calls.readEvent(fd)).toBe(true);
  // On a busy machine Linux has no page for a pipe at once, now and then, which is a refusal as well.
  let written = 0;
  for (let tries = 0; tries < 20_000; tries += 1) if (calls.writeEvent(fd)) written += 1;
  expect(written).toBe(8192);
  calls.close(fd);
});

test("more descriptors than a message has are refused and none stays open", () => {
  const before = openDescriptors().length;
  const [left, right] = calls.socketPair();
  const fds: number[] = [];
  const six = Array.from({ length: 6 }, () => left);
  calls.send(left, Uint8Array.of(1), six);
  calls.send(left, Uint8Array.of(2), six);
  const bytes = new Uint8Array(4);
  expect(calls.receive(right, bytes, 0, 4, fds)).toBe(1);
  expect(() => calls.receive(right, bytes, 0, 4, fds)).toThrow(expect.objectContaining({ code: "EPROTO" }));
  expect(fds).toHaveLength(8);
  for (const fd of [left, right, ...fds]) calls.close(fd);
  expect(openDescriptors()).toHaveLength(before);
});

test("connections are made over a path, and errors carry errno names", async () => {
  const place = path.join(folder, "socket");
  expect(() => calls.connectUnix(place)).toThrow(expect.objectContaining({ code: "ENOENT" }));
  const listening = calls.listenUnix(place, 4);
  expect(calls.accept(listening)).toBeNull();
  const client = calls.connectUnix(place);
  const server = calls.accept(listening);
  expect(server).not.toBeNull();
  expect(() => calls.listenUnix(place, 4)).toThrow(expect.objectContaining({ code: "EADDRINUSE" }));
  expect(() => calls.listenUnix(path.join(folder, "x".repeat(120)), 4)).toThrow(
    expect.objectContaining({ code: "ENAMETOOLONG" }),
  );
  for (const fd of [listening, client, server ?? -1]) calls.close(fd);
});

test("what a watcher's listener throws ends the watcher and is told", async () => {
  const event = calls.createEvent();
  calls.writeEvent(event);
  let times = 0;
  const error = await new Promise<unknown>((resolve) => {
    calls.watch(
      event,
      { readable: true },
      {
        onReady: () => {
          times += 1;
          throw new Error("broken");
        },
        onError: resolve,
      },
    );
  });
  expect(error).toMatchObject({ message: "broken" });
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(times).toBe(1);
  calls.close(event);
});

test("a regular file cannot be watched", () => {
  const fd = fs.openSync(path.join(folder, "file"), "w");
  const listener = { onReady: () => undefined, onError: () => undefined };
  expect(() => calls.watch(fd, { readable: true }, listener)).toThrow(expect.objectContaining({ code: "EPERM" }));
  fs.closeSync(fd);
});

/** The code of the error with which loading fails in a process of its own, after `before`. */
function failToLoad(before: string): string {
  const program = `${before}
    const { loadSystemCalls } = await import(${JSON.stringify(import.meta.resolve("./system-calls.ts"))});
    await loadSystemCalls().then(() => console.log("loaded"), (error) => console.log(error.code, error.message));`;
  const flags = ["--conditions=@rehandle/source", "--input-type=module", "-e", program];
  return execFileSync(process.execPath, flags, { encoding: "utf8" });
}

test("without koffi, or off Linux, loading says what is missing, and importing works", () => {
  const hide = `import { registerHooks } from "node:module";
    registerHooks({ resolve(name, context, next) {
      if (name === "koffi") throw new Error("Cannot find package 'koffi'");
      return next(name, context);
    } });`;
  expect(failToLoad(hide)).toMatch(/^KOFFI_MISSING .*npm install koffi$/m);
  const elsewhere = `Object.defineProperty(process, "platform", { value: "darwin" });`;
  expect(failToLoad(elsewhere)).toMatch(/^NOT_LINUX vhost-user needs Linux/);
  expect(failToLoad("")).toBe("loaded\n");
});
