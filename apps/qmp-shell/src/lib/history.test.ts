import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { History, historyFile, HISTORY_LINES } from "./history.ts";

let folder: string;
let path: string;
const complaints: string[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "rehandle-history-"));
  path = join(folder, "state", "history");
  complaints.length = 0;
});

afterEach(() => rmSync(folder, { recursive: true }));

function open(file = path): History {
  return new History(file, (text) => complaints.push(text));
}

describe("the history", () => {
  test("has the newest line first, each once if it is repeated at once", () => {
    const history = open();
    expect(history.load()).toEqual([]);
    for (const line of ["a", "b", "b", "a"]) history.add(line);
    expect(open().load()).toEqual(["a", "b", "a"]);
    expect(complaints).toEqual([]);
  });

  test("is readable by its owner alone, also if it was not", () => {
    open().add("a");
    chmodSync(path, 0o644);
    open().add("b");
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test.for([" query-block", "", "object-add id=s data=x", "set_password password=x", '{"a": {"password": "x"}}'])(
    "does not keep %j",
    (line) => {
      const history = open();
      history.add(line);
      history.add("kept");
      expect(open().load()).toEqual(["kept"]);
    },
  );

  test("is cut when it has grown", () => {
    open().add("first");
    writeFileSync(path, Array.from({ length: 2 * HISTORY_LINES + 1 }, (_, i) => `${i}\n`).join(""));
    expect(open().load()).toHaveLength(HISTORY_LINES);
    expect(readFileSync(path, "utf8").split("\n")).toHaveLength(HISTORY_LINES + 1);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test("that cannot be written is told once, and leaves devices as they are", () => {
    const mode = statSync("/dev/null").mode;
    open("/dev/null").add("a");
    expect(statSync("/dev/null").mode).toBe(mode);
    const history = open("/dev/null/history");
    history.add("a");
    history.add("b");
    expect(complaints).toEqual([expect.stringContaining("no history in /dev/null/history: ")]);
  });

  test("is in the folder for state", () => {
    expect(historyFile({ XDG_STATE_HOME: "/s" })).toBe("/s/rehandle/qmp-history");
    expect(historyFile({ XDG_STATE_HOME: "s" })).toMatch(/^\/.*\/\.local\/state\/rehandle\/qmp-history$/);
  });
});
