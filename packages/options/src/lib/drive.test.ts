import { describe, expect, test } from "vitest";
import { defineOption } from "./define-option.ts";
import { driveOptionError } from "./drive-error.ts";
import { createDriveContext } from "./drive-place.ts";
import { parseDrive } from "./drive.ts";
import { isOptionError, type OptionError } from "./option-error.ts";

function errorOf(run: () => unknown): OptionError {
  try {
    run();
  } catch (error) {
    if (isOptionError(error)) return error;
    throw error;
  }
  throw new Error("accepted");
}

test("the drive of the RFC", () => {
  expect(
    parseDrive(
      "file=nbd://host/vol%201,format=raw,if=none,id=disk,cache=none,iohang-timeout=60,werror=stop,rerror=report",
    ),
  ).toEqual({
    id: "disk",
    interface: "none",
    bus: 0,
    unit: 0,
    media: "disk",
    readOnly: false,
    snapshot: false,
    copyOnRead: false,
    cache: { writeback: true, direct: true, noFlush: false },
    aio: "threads",
    discard: "ignore",
    detectZeroes: "off",
    werror: "stop",
    rerror: "report",
    iohangTimeout: 60,
    retryInterval: 1000,
    retryTimeout: 0,
    writeRetryInterval: undefined,
    writeRetryTimeout: undefined,
    readRetryInterval: undefined,
    readRetryTimeout: undefined,
    throttling: undefined,
    statistics: { accountInvalid: true, accountFailed: true, intervals: [] },
    node: {
      driver: "raw",
      file: { driver: "nbd", server: { type: "inet", host: "host", port: "10809" }, export: "vol 1" },
    },
    warnings: [],
  });
});

test("the reviewer's retry options, per direction, in ms", () => {
  const argument =
    "file=x,werror=stop,write-retry-interval=1000,write-retry-timeout=15000,rerror=report,read-retry-interval=0x10,read-retry-timeout=0";
  expect(parseDrive(argument)).toMatchObject({
    writeRetryInterval: 1000,
    writeRetryTimeout: 15_000,
    readRetryInterval: 16,
    readRetryTimeout: 0,
  });
});

test("the action of the RFC's successor, and its times in ms", () => {
  expect(parseDrive("file=x,werror=retry,rerror=retry,retry_interval=10,retry_timeout=5000")).toMatchObject({
    werror: "retry",
    rerror: "retry",
    retryInterval: 10,
    retryTimeout: 5000,
  });
  expect(parseDrive("file=x,rerror=retry,retry_timeout=1,write-retry-timeout=2")).toMatchObject({
    werror: "enospc",
    rerror: "retry",
    writeRetryTimeout: 2,
  });
});

test.each([
  ["0", 0],
  ["5", 5],
  ["0x10", 16],
  ["010", 8],
  ["-1", 0],
  ["9223372036854775807", 2 ** 63],
  ["9223372036854775808", 0],
  ["-18446744073709551615", 1],
])("iohang-timeout=%s is %d s", (text, seconds) => {
  expect(parseDrive(`file=x,iohang-timeout=${text}`).iohangTimeout).toBe(seconds);
});

test.each([
  ["iohang-timeout=5k", "Parameter 'iohang-timeout' expects a number"],
  ["iohang-timeout=", "Parameter 'iohang-timeout' expects a number"],
  ["iohang-timeout=18446744073709551616", "Value '18446744073709551616' is too large for parameter 'iohang-timeout'"],
  ["write-retry-interval=x", "Parameter 'write-retry-interval' expects a number"],
  ["retry_interval=x", "Parameter 'retry_interval' expects a number"],
  ["retry_interval=1", "retry_interval is only supported by werror/rerror=retry"],
  ["retry_timeout=0,werror=stop,foo=bar", "retry_timeout is only supported by werror/rerror=retry"],
  ["werror=retry,write-retry-timeout=1", "write-retry-timeout and werror=retry cannot be used at the same time"],
  ["rerror=retry,read-retry-interval=1", "read-retry-interval and rerror=retry cannot be used at the same time"],
  ["werror=auto", "'auto' invalid write error action"],
  ["rerror=enospc", "'enospc' invalid read error action"],
  ["if=floppy,werror=stop", "werror is not supported by this bus type"],
  ["if=sd,rerror=stop", "rerror is not supported by this bus type"],
  ["if=zz", "unsupported bus type 'zz'"],
  ["media=zz", "'zz' invalid media"],
  ["cache=zz", "invalid cache option"],
  ["discard=zz", "Invalid discard option"],
  ["detect-zeroes=zz", "invalid parameter value: zz"],
  ["aio=zz", "invalid aio option"],
  ["aio=native", "aio=native was specified, but it requires cache.direct=on, which was not specified."],
  ["readonly=on,read-only=on", "'read-only' and its alias 'readonly' can't be used at the same time"],
  ["readonly=zz", "Parameter 'read-only' expects 'on' or 'off'"],
  ["media=zz,read-only=zz", "Parameter 'read-only' expects 'on' or 'off'"],
  ["aio=zz,if=zz", "unsupported bus type 'zz'"],
  ["werror=zz,detect-zeroes=zz", "invalid parameter value: zz"],
  ["bps=5,bps_rd=5", "bps/iops/max total values and read/write values cannot be used at the same time"],
  ["iops_size=5", "iops size requires an iops value to be set"],
  ["bps=-1", "bps/iops/max values must be within [0, 1000000000000000]"],
  ["bps=5,bps_max=4", "bps_max/iops_max cannot be lower than bps/iops"],
  ["bps_max=4", "bps_max/iops_max require corresponding bps/iops values"],
  ["stats-intervals.0=1,stats-intervals.2=1", "Invalid option stats-intervals.2"],
  ["stats-intervals.0=0", "Invalid interval length: 0"],
  ["stats-intervals.0.x=0", "The specification of stats-intervals is invalid"],
  ["file.export=e,file.driver=nbd", "File name string for NBD must start with 'nbd:'"],
  ["bps=1k", "Parameter 'throttling.bps-total' expects a number"],
  ["id=1x", "Parameter 'id' expects an identifier"],
  ["format=raw,driver=raw", "Cannot specify both 'driver' and 'format'"],
  ["file.filename=y", "Can't specify 'file' and 'filename' options at the same time"],
  ["index=1,unit=1", "index cannot be used with bus and unit"],
  ["if=ide,unit=2", "unit 2 too big (max is 1)"],
])("file=x,%s: %s", (options, message) => {
  expect(errorOf(() => parseDrive(`file=x,${options}`)).message).toBe(message);
});

test("limits and statistics", () => {
  const { throttling, statistics } = parseDrive(
    "file=x,bps=5,bps=7,throttling.iops-read=3,iops_rd_max=9,group=g,stats-intervals.0=60,stats-intervals.1=+9,stats-account-failed=off",
  );
  expect(throttling).toEqual({ group: "g", limits: { "bps-total": 5, "iops-read": 3, "iops-read-max": 9 } });
  expect(statistics).toEqual({ accountInvalid: true, accountFailed: false, intervals: [60, 9] });
});

test("a driver that is known reads the file name itself", () => {
  expect(parseDrive("file=file:/a:b,driver=file").node).toEqual({ driver: "file", filename: "/a:b" });
  expect(parseDrive("file=a:b,format=raw,file.driver=file").node).toEqual({
    driver: "raw",
    file: { driver: "file", filename: "a:b" },
  });
  expect(parseDrive("file=null-co://").node).toEqual({ file: { driver: "null-co" } });
  expect(parseDrive("file=nbd:unix:/s,driver=nbd,tls-creds=t").node).toEqual({
    driver: "nbd",
    server: { type: "unix", path: "/s" },
    "tls-creds": "t",
  });
  expect(errorOf(() => parseDrive("file=nbd:unix:/s,format=raw,file.export=e")).message).toBe(
    "Option 'export' cannot be used with a file name",
  );
});

test("aio=native needs no cache.direct where no file is opened", () => {
  expect(parseDrive("file=nbd:unix:/s,format=raw,aio=native").aio).toBe("native");
});

test("a drive without a medium, but with a switch of one, cannot be opened", () => {
  for (const text of ["cache=none", "discard=unmap", "zz=1"]) {
    expect(errorOf(() => parseDrive(text)).message).toBe("Must specify either driver or file");
  }
  expect(parseDrive("file=,bps=5,werror=stop").node).toBeUndefined();
});

test("a drive that failed has taken neither its place nor its id", () => {
  const context = createDriveContext();
  errorOf(() => parseDrive("file=x,id=a,detect-zeroes=zz", context));
  expect(parseDrive("file=x,id=a", context).unit).toBe(0);
});

test("a positional text is a flag, not a file", () => {
  expect(errorOf(() => parseDrive("x.img")).message).toBe("Must specify either driver or file");
});

describe("several drives", () => {
  test("get ids of their places", () => {
    const context = createDriveContext();
    const ids = ["if=ide", "if=ide", "if=ide,media=cdrom", "if=none", "", "if=virtio,index=3"].map(
      (options) => parseDrive(`file=x,${options}`, context).id,
    );
    expect(ids).toEqual(["ide0-hd0", "ide0-hd1", "ide1-cd0", "none0", "none1", "virtio3"]);
  });

  test("share neither ids nor places", () => {
    const context = createDriveContext();
    parseDrive("file=x,id=a,if=ide,index=3", context);
    expect(errorOf(() => parseDrive("file=x,id=a", context)).message).toBe("Duplicate ID 'a' for drive");
    expect(errorOf(() => parseDrive("file=x,if=ide,bus=1,unit=1", context)).message).toBe(
      "drive with bus=1, unit=1 (index=-1) exists",
    );
  });
});

test("explicit cache switches win over the word, wherever they stand", () => {
  expect(parseDrive("file=x,cache.direct=off,cache=none").cache).toEqual({
    writeback: true,
    direct: false,
    noFlush: false,
  });
});

test("a json: name is the node itself, and options outside of it win", () => {
  const name = '{"driver":"raw","file":{"driver":"nbd","server":{"type":"unix","path":"/s"},"reconnect-delay":5}}';
  const { node } = parseDrive(`file=json:${name.replaceAll(",", ",,")},file.reconnect-delay=9`);
  expect(node).toEqual({
    driver: "raw",
    file: { driver: "nbd", server: { type: "unix", path: "/s" }, "reconnect-delay": "9" },
  });
});

test("an empty drive has no node", () => {
  expect(parseDrive("if=none,iohang-timeout=5").node).toBeUndefined();
});

test("what the driver does not know is refused in the words of -drive", () => {
  const types = {
    Driver: { enum: ["raw", "file"] },
    File: { struct: { filename: "str" } },
    Raw: { struct: { file: "Node" } },
    Node: { union: { driver: "Driver" }, discriminator: "driver", branches: { raw: "Raw", file: "File" } },
  } as const;
  const option = defineOption({ flag: "-drive", types, type: "Node" });
  for (const [argument, message] of [
    ["file=x,format=raw,serial=1", "Block format 'raw' does not support the option 'serial'"],
    ["file=x,format=raw,file.serial=1", "Block protocol 'file' doesn't support the option 'serial'"],
    ["driver=file,filename=x,serial.a.b=1", "Block protocol 'file' doesn't support the option 'serial.a.b'"],
    ["driver=file,filename.a.b=1", "Block protocol 'file' doesn't support the option 'filename.a.b'"],
    ["driver=raw,file.driver=raw,file.file.driver=raw,file.zz=1", 'A block device must be specified for "file"'],
    ["driver=raw,file.driver=zz", "Unknown driver 'zz'"],
    ["format=raw", 'A block device must be specified for "file"'],
  ] as const) {
    const node = parseDrive(argument).node ?? {};
    const error = errorOf(() => option.fromKeyval(node));
    expect(driveOptionError(error, node).message).toBe(message);
  }
});

test("what is warned of before an error comes with it", () => {
  const short = ["short-form boolean option 'snapshot' deprecated", "Please use snapshot=on instead"];
  const warningsOf = (text: string): readonly string[] => {
    try {
      return parseDrive(text).warnings;
    } catch (error) {
      return isOptionError(error) ? error.warnings : [];
    }
  };
  expect(warningsOf("file=x,snapshot,werror=zz")).toEqual(short);
  expect(warningsOf("file=x,snapshot,media=cdrom,copy-on-read=on,if=zz")).toEqual([
    ...short,
    "disabling copy-on-read on read-only drive",
  ]);
  expect(warningsOf("file=x,media=zz,copy-on-read=on,read-only=on")).toEqual([]);
});
