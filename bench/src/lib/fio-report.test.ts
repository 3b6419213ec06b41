import { expect, test } from "vitest";
import { parseFioReport } from "./fio-report.ts";

const idle = { iops: 0, total_ios: 0, bw_bytes: 0, clat_ns: {} };

function direction(iops: number, p50: number, p99: number): object {
  const percentile = { "50.000000": p50, "99.000000": p99 };
  return { iops, total_ios: iops * 2, bw_bytes: iops * 4096, clat_ns: { percentile } };
}

function report(...jobs: object[]): string {
  return `nbd: a warning before the report\n${JSON.stringify({ jobs: jobs.map((job) => ({ error: 0, ...job })) })}`;
}

test("a load of one direction", () => {
  const figures = parseFioReport(report({ read: direction(1000, 2000, 9000), write: idle }), "IOPS");
  expect(figures).toEqual({ rate: 1000, requests: 2000, p50: 2, p99: 9 });
});

test("a mixed load is the sum, and its latencies are those of the slower direction", () => {
  const text = report({ read: direction(700, 2000, 9000), write: direction(300, 3000, 8000) });
  expect(parseFioReport(text, "IOPS")).toEqual({ rate: 1000, requests: 2000, p50: 3, p99: 9 });
});

test("bandwidth in MB of 10^6 bytes", () => {
  expect(parseFioReport(report({ read: idle, write: direction(1000, 1, 1) }), "MB/s").rate).toBe(4.096);
});

test("no latencies is not an error, but an error or no I/O is", () => {
  const bare = { iops: 5, total_ios: 5, bw_bytes: 5 };
  expect(parseFioReport(report({ read: bare, write: idle }), "IOPS")).toEqual({ rate: 5, requests: 5 });
  expect(() => parseFioReport(report({ error: 5, read: bare, write: idle }), "IOPS")).toThrow("error 5");
  expect(() => parseFioReport(report({ read: idle, write: idle }), "IOPS")).toThrow("no I/O");
  expect(() => parseFioReport("fio: cannot connect\n", "IOPS")).toThrow("cannot connect");
});
