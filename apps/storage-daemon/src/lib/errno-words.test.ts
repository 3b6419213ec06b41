import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { havePrograms } from "../testing/programs.ts";
import { wordsOfErrno } from "./errno-words.ts";

const PRINT_ALL = `
import errno, json, os
print(json.dumps({name: os.strerror(getattr(errno, name)) for name in dir(errno) if name.startswith("E")}))`;

test.runIf(havePrograms("python3"))("every errno has the words of the C library", () => {
  const { stdout } = spawnSync("python3", ["-c", PRINT_ALL], { encoding: "utf8" });
  const words = JSON.parse(stdout) as Record<string, string>;
  expect(Object.keys(words).length).toBeGreaterThan(100);
  expect(Object.fromEntries(Object.keys(words).map((name) => [name, wordsOfErrno(name)]))).toEqual(words);
});

test("a name that nobody knows stays as it is", () => {
  expect(wordsOfErrno("ENOSUCHTHING")).toBe("ENOSUCHTHING");
});
