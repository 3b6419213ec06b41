import { expect, test } from "vitest";
import type { NodeOptionsOf } from "./option-types.ts";
import { blockdevOption } from "./option-table.ts";
import { backendOptions } from "./rehandle-options.ts";

function read(text: string): ReturnType<typeof backendOptions> {
  return backendOptions(blockdevOption.parseValue(text) as NodeOptionsOf<"rehandle">);
}

test("nothing said: everything is held for ever, and then reported", () => {
  expect(read("rehandle,node-name=r,file=x")).toMatchObject({
    iohangTimeout: "forever",
    read: { action: "report" },
    write: { action: "report" },
    requestTimeout: 0,
    backoff: { initialMs: 100, maxMs: 5000 },
    replayLog: { maxBytes: 32 * 1024 * 1024, maxCount: 8192 },
  });
});

test("everything said, as keyval and as JSON", () => {
  const expected = {
    iohangTimeout: 60,
    read: { action: "stop", retryInterval: 5, retryTimeout: 0 },
    write: { action: "enospc", retryInterval: 1000, retryTimeout: "forever" },
    requestTimeout: 1500,
    backoff: { initialMs: 50, maxMs: 50 },
    ramp: { initial: 2, max: 4 },
    probe: { offset: 4096, length: 512 },
    replayLog: false,
    maxHeldRequests: 10,
    maxHeldBytes: 1024 * 1024,
  };
  expect(
    read(
      "rehandle,node-name=r,file=x,iohang-timeout=60,werror=enospc,rerror=stop,read-retry-interval=5,read-retry-timeout=0," +
        "write-retry-interval=1000,write-retry-timeout=forever,request-timeout=1500,probe-interval=50,probe-interval-max=50," +
        "ramp-initial=2,ramp-max=4,probe-offset=4k,probe-length=512,replay-log=off,max-held-requests=10,max-held-bytes=1M",
    ),
  ).toEqual(expected);
  const { replayLog, ...json } = expected;
  expect(replayLog).toBe(false);
  expect(
    read(
      JSON.stringify({
        driver: "rehandle",
        "node-name": "r",
        file: "x",
        "iohang-timeout": 60,
        werror: "enospc",
        rerror: "stop",
        "read-retry-interval": 5,
        "read-retry-timeout": 0,
        "write-retry-interval": 1e3,
        "write-retry-timeout": "forever",
        "request-timeout": 1500,
        "probe-interval": 50,
        "probe-interval-max": 50,
        "ramp-initial": 2,
        "ramp-max": 4,
        "probe-offset": 4096,
        "probe-length": 512,
        "max-held-requests": 10,
        "max-held-bytes": 1048576,
      }),
    ),
  ).toMatchObject(json);
});

test.each(["soon", "-1", "1.5", "", "99999999999999999"])("iohang-timeout=%s is refused", (value) => {
  expect(() => read(`rehandle,node-name=r,file=x,iohang-timeout=${value}`)).toThrow(
    /^Parameter 'iohang-timeout' expects (?:integer|a number or 'forever')$/,
  );
});
