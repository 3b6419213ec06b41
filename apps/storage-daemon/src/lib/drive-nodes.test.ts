import { createDriveContext } from "@rehandle/options";
import { expect, test } from "vitest";
import { readDrive } from "./drive-nodes.ts";

const read = (text: string, warnings: string[] = []): ReturnType<typeof readDrive> =>
  readDrive(text, createDriveContext(), (lines) => void warnings.push(...lines));

function warningsOf(text: string): string[] {
  const warnings: string[] = [];
  read(text, warnings);
  return warnings;
}

test("the RFC's form: storage below a rehandle node that is named like the drive", () => {
  const warnings: string[] = [];
  const { drive, node } = read("file=nbd:unix:/s,format=raw,iohang-timeout=60,id=d0,werror=stop", warnings);
  expect(drive.id).toBe("d0");
  expect(warnings).toEqual([]);
  expect(node).toMatchObject({
    driver: "rehandle",
    "node-name": "d0",
    "iohang-timeout": 60,
    werror: "stop",
    rerror: "report",
    file: { driver: "raw", file: { driver: "nbd", server: { type: "unix", path: "/s" } } },
  });
});

test("retry, the action of the RFC's successor, holds for its own time and then reports", () => {
  expect(read("file=x,format=raw,werror=retry,retry_timeout=5000,rerror=stop").node).toMatchObject({
    driver: "rehandle",
    "iohang-timeout": 0,
    werror: "report",
    "write-retry-interval": 1000,
    "write-retry-timeout": 5000,
    rerror: "stop",
  });
  const { node } = read("file=x,format=raw,werror=report,rerror=retry,retry_interval=0");
  expect(node).toMatchObject({ rerror: "report", "read-retry-interval": 1, "read-retry-timeout": "forever" });
  expect(node).not.toHaveProperty("write-retry-timeout");
});

test("ids are made where none is given, and the drive's words hold for the nodes below it", () => {
  expect(read("file=x,format=raw,cache=none,read-only=on,discard=unmap").node).toMatchObject({
    "node-name": "none0",
    discard: "unmap",
    "read-only": true,
    file: { driver: "raw", "read-only": true, discard: "unmap", cache: { direct: true } },
  });
});

test("without anything to hold or to do there is no filter", () => {
  expect(read("file=x,format=raw,id=d,werror=report,rerror=report").node).toMatchObject({
    driver: "raw",
    "node-name": "d",
  });
  expect(read("file=x,format=raw,id=d,werror=report,read-retry-timeout=9").node).toMatchObject({ driver: "rehandle" });
});

test("a node-name of the drive is its storage's", () => {
  const { node } = read("file=x,format=raw,id=d,node-name=n,iohang-timeout=1");
  expect(node).toMatchObject({ "node-name": "d-rehandle", file: { "node-name": "n" } });
});

test("an empty drive has no node; json: and URIs are files too", () => {
  expect(read("id=d").node).toBe(null);
  expect(read('file=json:{"driver":"raw",,"file":{"driver":"null-co"}},id=d').node).toMatchObject({
    file: { driver: "raw", file: { driver: "null-co" } },
  });
  expect(read("file=nbd://host/disk,format=raw,id=d").node).toMatchObject({
    file: { file: { driver: "nbd", server: { type: "inet", host: "host", port: "10809" }, export: "disk" } },
  });
});

test("what does nothing is warned of, what is not supported is refused", () => {
  expect(warningsOf("file=x,id=d")[0]).toContain("Image format was not specified");
  expect(warningsOf("file=x,format=raw,write-retry-interval=5")[0]).toContain("write-retry-interval does nothing");
  expect(() => read("file=x,format=raw,snapshot=on")).toThrow("snapshot=on is not supported");
  expect(() => read("file=x,format=raw,bps=1000")).toThrow("throttling is not supported");
  expect(() => read("file=x,format=raw,stats-intervals.0=60")).toThrow("stats-intervals is not supported");
  expect(() => read("file=x,format=zz")).toThrow("Unknown driver 'zz'");
  expect(() => read("file=x,format=raw,cache=writethrough")).toThrow("cache.writeback=off is not supported");
});
