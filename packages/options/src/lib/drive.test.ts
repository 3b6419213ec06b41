import { describe, expect, test } from "vitest";
import { defineOption } from "./define-option.ts";
import { driveOptionError } from "./drive-node.ts";
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
    writeRetryInterval: undefined,
    writeRetryTimeout: undefined,
    readRetryInterval: undefined,
    readRetryTimeout: undefined,
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
  ["bps=1k", "Parameter 'throttling.bps-total' expects a number"],
  ["id=1x", "Parameter 'id' expects an identifier"],
  ["format=raw,driver=raw", "Cannot specify both 'driver' and 'format'"],
  ["file.filename=y", "Can't specify 'file' and 'filename' options at the same time"],
  ["index=1,unit=1", "index cannot be used with bus and unit"],
  ["if=ide,unit=2", "unit 2 too big (max is 1)"],
])("file=x,%s: %s", (options, message) => {
  expect(errorOf(() => parseDrive(`file=x,${options}`)).message).toBe(message);
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
      "drive with bus=1, unit=1 (index=3) exists",
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
  ] as const) {
    const node = parseDrive(argument).node ?? {};
    const error = errorOf(() => option.fromKeyval(node));
    expect(driveOptionError(error, node).message).toBe(message);
  }
});
