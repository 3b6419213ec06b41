import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { expect, test } from "vitest";

import { installSigbusGuard } from "./sigbus-guard.ts";
import { SIGBUS_HANDLER_X64 } from "./sigbus-handler-x64.ts";
import { loadSystemCalls } from "./system-calls.ts";

const calls = await loadSystemCalls();
const isX64 = process.arch === "x64";

/** Runs a program in a process of its own, with `calls` and `guard` at hand, and says how it ended. */
function runChild(program: string): Promise<{ code: number | null; signal: string | null; output: string }> {
  const load = `
    const { loadSystemCalls } = await import(${JSON.stringify(import.meta.resolve("./system-calls.ts"))});
    const { installSigbusGuard } = await import(${JSON.stringify(import.meta.resolve("./sigbus-guard.ts"))});
    const calls = await loadSystemCalls();`;
  const flags = ["--conditions=@rehandle/source", "--input-type=module", "-e"];
  const child = spawn(process.execPath, [...flags, load + program], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.on("data", (data) => (output += String(data)));
  return new Promise((resolve) => {
    child.on("close", (code, signal) => resolve({ code, signal, output }));
  });
}

test.skipIf(!isX64)("memory that vanishes reads as zeros, and is counted", () => {
  const guard = installSigbusGuard(calls);
  const fd = calls.createMemoryFile("test", 5 * 4096);
  const address = calls.map(fd, 0, 5 * 4096);
  const range = guard?.protect(address, 5 * 4096, 4096);
  const bytes = new Uint8Array(calls.view(address, 5 * 4096)).fill(7);
  const before = guard?.faults ?? 0;
  calls.truncate(fd, 4096);
  expect([bytes[0], bytes[4096], bytes[4097], bytes[3 * 4096]]).toEqual([7, 0, 0, 0]);
  bytes[3 * 4096] = 1;
  expect(bytes[3 * 4096]).toBe(1);
  expect(range?.faults).toBe(2);
  expect(guard?.faults).toBe(before + 2);
  range?.release();
  expect(range?.faults).toBe(2);
  calls.unmap(address, 5 * 4096);
  calls.close(fd);
});

test.skipIf(!isX64)("ranges that were released are used again, and nothing else is", () => {
  const guard = installSigbusGuard(calls);
  const first = guard?.protect(4096n, 4096, 4096);
  const second = guard?.protect(8192n, 4096, 4096);
  first?.release();
  for (let round = 0; round < 5000; round += 1) guard?.protect(4096n, 4096, 4096).release();
  second?.release();
  const many = Array.from({ length: 2047 }, () => guard?.protect(4096n, 4096, 4096));
  expect(() => guard?.protect(4096n, 4096, 4096)).toThrow("too many mappings are guarded");
  for (const range of many) range?.release();
});

const TOUCH = `
  const fd = calls.createMemoryFile("test", 8192);
  const address = calls.map(fd, 0, 8192);
  const bytes = new Uint8Array(calls.view(address, 8192));
  calls.truncate(fd, 0);`;

test.skipIf(!isX64)("without the guard, and outside its ranges, the process ends as ever", async () => {
  const unguarded = await runChild(`${TOUCH} console.log(bytes[0]);`);
  expect(unguarded).toMatchObject({ signal: "SIGBUS", output: "" });
  const outside = `${TOUCH} installSigbusGuard(calls).protect(address, 4096, 4096); console.log(bytes[0], bytes[4096]);`;
  expect(await runChild(outside)).toMatchObject({ signal: "SIGBUS", output: "" });
  const inside = `${TOUCH} installSigbusGuard(calls).protect(address, 8192, 4096); console.log(bytes[0], bytes[4096]);`;
  expect(await runChild(inside)).toMatchObject({ code: 0, output: "0 0\n" });
});

test.skipIf(!isX64)("two guards in one process do not get in each other's way", async () => {
  const other = `${TOUCH}
    const { loadLinuxCalls } = await import(${JSON.stringify(import.meta.resolve("./linux-calls.ts"))});
    const others = await loadLinuxCalls();
    const range = installSigbusGuard(calls).protect(address, 4096, 4096);
    installSigbusGuard(others).protect(address + 4096n, 4096, 4096);
    console.log(bytes[0], bytes[4096], range.faults);`;
  expect(await runChild(other)).toMatchObject({ code: 0, output: "0 0 1\n" });
});

const hasAssembler = fs.existsSync("/usr/bin/as") && fs.existsSync("/usr/bin/objcopy");
if (!hasAssembler) console.warn("SKIPPED: the bytes of the SIGBUS handler are not compared: install binutils");

test.skipIf(!hasAssembler && process.env["CI"] === undefined)("the bytes are those of the assembly source", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "vhost-user-"));
  const [object, binary] = [path.join(folder, "h.o"), path.join(folder, "h.bin")];
  execFileSync("as", ["--64", "-o", object, path.join(import.meta.dirname, "sigbus-handler-x64.s")]);
  execFileSync("objcopy", ["-O", "binary", "-j", ".text", object, binary]);
  expect(fs.readFileSync(binary).toString("hex")).toBe(SIGBUS_HANDLER_X64);
  fs.rmSync(folder, { recursive: true });
});
