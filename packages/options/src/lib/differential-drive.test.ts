import { isJsonObject, type JsonValue } from "@rehandle/json";
import { describe, expect, test } from "vitest";
import { judge, type Disagreement } from "../testing/differences.ts";
import { messageWithHints } from "../testing/message-of.ts";
import { itemsOf, sample, textsOf } from "../testing/option-texts.ts";
import { hasProgram } from "../testing/qemu.ts";
import { askMonitor, humanLine, quoted } from "../testing/qemu-monitor.ts";
import { qemuTypes } from "../testing/qemu-types.ts";
import { defineOption } from "./define-option.ts";
import { driveOptionError } from "./drive-error.ts";
import { parseDrive, type Drive } from "./drive.ts";
import { isOptionError } from "./option-error.ts";

const hasQemu = hasProgram("qemu-system-x86_64", "qemu-system-x86");

/** A medium that needs no file. */
const NULL = "id=a,driver=null-co";

/** Behind {@link NULL}. */
const SETTINGS = [
  "",
  ",if=none",
  "if=zz",
  "if=",
  "if=NONE",
  "if",
  "noif",
  "media=disk",
  "media=cdrom",
  "media=zz",
  "media=",
  "media=cdrom,read-only=off",
  "bus=0",
  "unit=0",
  "unit=5",
  "bus=1,unit=3",
  "index=0",
  "index=0x10",
  "index=0,bus=0",
  "index=1,bus=1",
  "index=1,unit=0",
  "index=1,bus=0,unit=0",
  "bus=x",
  "unit=1k",
  "index=-",
  "index=99999999999999999999",
  "snapshot=off",
  "snapshot=maybe",
  "nosnapshot",
  "read-only",
  "noread-only",
  "read-only=on",
  "read-only=ON",
  "readonly",
  "noreadonly",
  "readonly=on",
  "readonly=zz",
  "readonly=on,read-only=on",
  "read-only=on,read-only=off",
  "readonly=off,readonly=on",
  "copy-on-read=on",
  "copy-on-read=on,read-only=on",
  "copy-on-read=zz",
  "copy-on-read",
  "cache=none",
  "cache=off",
  "cache=writeback",
  "cache=writethrough",
  "cache=directsync",
  "cache=unsafe",
  "cache=zz",
  "cache=",
  "cache",
  "cache=None",
  "cache=none,cache=unsafe",
  "cache=unsafe,cache=none",
  "cache=zz,cache=none",
  "cache=none,cache=zz",
  "cache=none,cache.direct=off",
  "cache.direct=off,cache=none",
  "cache=writethrough,cache.writeback=on",
  "cache.direct=on",
  "cache.no-flush=on",
  "cache.writeback=off",
  "cache.direct=zz",
  "cache.writeback=",
  "cache.zz=on",
  "aio=threads",
  "aio=native",
  "aio=native,cache.direct=on",
  "aio=native,cache=none",
  "aio=io_uring",
  "aio=zz",
  "discard=ignore",
  "discard=off",
  "discard=unmap",
  "discard=on",
  "discard=zz",
  "discard=unmap,detect-zeroes=unmap",
  "detect-zeroes=on",
  "detect-zeroes=off",
  "detect-zeroes=unmap",
  "detect-zeroes=zz",
  "detect-zeroes=",
  "werror=ignore",
  "werror=enospc",
  "werror=stop",
  "werror=report",
  "werror=auto",
  "werror=zz",
  "werror=",
  "rerror=ignore",
  "rerror=stop",
  "rerror=report",
  "rerror=enospc",
  "rerror=auto",
  "rerror=zz",
  "rerror=zz,werror=zz",
  "aio=zz,cache=zz",
  "discard=zz,aio=zz",
  "detect-zeroes=zz,werror=zz",
  "detect-zeroes=zz,rerror=zz,aio=zz",
  "media=zz,if=zz",
  "snapshot=zz,media=zz",
  "bps=1,read-only=zz",
  "bps=1000",
  "bps=1k",
  "bps=",
  "bps=-1",
  "bps=1000000000000000",
  "bps=1000000000000001",
  "iops=5,iops_rd=5",
  "iops_rd=5,iops_wr=5",
  "bps=5,bps_wr=5",
  "bps=5,throttling.bps-total=5",
  "throttling.bps-total=5,bps=5",
  "throttling.bps-total=zz",
  "throttling.zz=1",
  "throttling.zz=1,bps=zz",
  "bps_max=5",
  "bps=5,bps_max=4",
  "bps=5,bps_max=5",
  "bps=5,bps_max=50",
  "bps_rd=5,bps_rd_max=4",
  "iops_max=5",
  "iops=5,iops_max=0",
  "iops_size=1",
  "iops_size=1,iops=1",
  "iops_size=1,bps=1",
  "iops_size=1,iops_rd=1",
  "iops_size=-1,iops=1",
  "group=g",
  "group=g,bps=1",
  "group=,bps=1",
  "throttling.group=g,group=h",
  "throttling.bps-total-max-length=0,bps=1",
  "throttling.bps-total-max-length=2,bps=1",
  "throttling.bps-total-max-length=1,bps=1",
  "throttling.bps-total-max-length=2,bps=1,bps_max=2",
  "throttling.bps-total-max-length=1000000000000000,bps=1,bps_max=2",
  "throttling.bps-total-max-length=500000000000000,bps=1,bps_max=2",
  "throttling.bps-total-max-length=zz",
  "throttling.bps-total-max-length=0",
  "throttling.bps-total-max-length=4294967296,bps=1",
  "throttling.iops-read-max=1000000000000001,iops_rd=1",
  "bps=1,bps_max=5,iops=9,iops_max=8",
  "stats-intervals.0=60",
  "stats-intervals.0=60,stats-intervals.1=3600",
  "stats-intervals.0=0",
  "stats-intervals.0=4294967295",
  "stats-intervals.0=4294967296",
  "stats-intervals.0=-1",
  "stats-intervals.0=1k",
  "stats-intervals.0=",
  "stats-intervals.x=1",
  "stats-intervals.0.x=1",
  "stats-intervals.1=60",
  "stats-account-invalid=on",
  "stats-account-invalid=zz",
  "stats-account-failed=off",
  "stats-account-failed=zz",
  "force-share=on,read-only=on",
  "node-name=n",
  "zz=1",
  "zz",
  "zz=1,yy=2",
  "serial=1",
  "addr=1",
  "boot=on",
  "cyls=5",
  "secs=5",
  "trans=auto",
  "iops-total=5",
  "Cache=none",
  "=x",
  ",",
  "=",
  "a b=c",
  "__proto__=1",
  "constructor",
  "toString=x",
  "format=raw",
  "driver=null-co,driver=zz",
  "file=",
  "file=x,driver=zz",
  "id=b",
  "noid",
  "latency-ns=5",
];

/** On their own. */
const WHOLE = [
  "",
  ",",
  "if=none",
  "if=none,id=a",
  "id=a,media=cdrom",
  "id=1x",
  "id=",
  "id=1x,if=zz",
  "x.img",
  "file=/nonexistent/x",
  "file=",
  "file=,bps=5",
  "file=,zz=1",
  "zz=1",
  "id=a,read-only=on",
  "driver=zz",
  "driver=zz,,y",
  "format=zz",
  "format=",
  "driver=",
  "format=raw",
  "format=raw,driver=raw",
  "format=raw,driver=zz",
  "driver=raw",
  "driver=raw,file=x,file.filename=y",
  "file=x,file.filename=y",
  "file=/nonexistent/x,format=zz",
  "file=/nonexistent/x,format=raw,zz=1",
  "file.driver=zz",
  "driver=raw,file.driver=zz",
  "driver=raw,file.driver=null-co,file.zz=1",
  "driver=raw,file.driver=null-co,zz=1,file.zz=1",
  "id=a,driver=raw,file.driver=null-co",
  "id=a,format=raw,file.driver=null-co,size=1024,offset=512",
  "id=a,format=raw,file.driver=null-co,file.size=1M,cache=none,read-only=on,detect-zeroes=on",
  'id=a,format=raw,file=json:{"driver":"null-co"}',
  'id=a,file=json:{"driver":"raw",,"file":{"driver":"null-co"}}',
  'id=a,file=json:{"driver":"raw",,"file":{"driver":"null-co"}},cache=none',
  'id=a,file=json:{"driver":"null-co",,"read-zeroes":true},format=raw',
  'file=json:{"driver":"null-co",,"zz":1}',
  'file=json:{"driver":"raw",,"file":{"driver":"null-co",,"zz":1}}',
  'file=json:{"driver":"zz"}',
  "file=json:{}",
  "file=json:",
  "file=json:{",
  "file=json:[]",
  "file=zz:x",
  "file=nbd:",
  "file=nbd://",
  "file=nbd:unix:/nonexistent/s,format=raw",
  "file=nbd:unix:/nonexistent/s,format=raw,file.export=x",
  "driver=nbd,server.type=zz",
  "driver=raw,file.driver=nbd,file.server.type=unix,file.server.path=/nonexistent/s,file.zz=1",
  "driver=raw,file=nonexistent-node",
  "driver=raw,file.driver=null-co,file.size.x=1",
];

const KEYS = [
  "if",
  "media",
  "cache",
  "cache.direct",
  "cache.writeback",
  "werror",
  "rerror",
  "aio",
  "discard",
  "detect-zeroes",
  "read-only",
  "readonly",
  "snapshot",
  "bps",
  "bps_rd",
  "bps_max",
  "iops",
  "iops_size",
  "throttling.bps-total-max-length",
  "zz",
];
const VALUES = ["none", "on", "off", "disk", "writeback", "stop", "ignore", "report", "unmap", "5", "0", "7", "x"];
const GENERATED = [
  ...sample(itemsOf(KEYS, VALUES, ["cache=none", "aio=native", "read-only", "noreadonly", "if=none", ""]), 250),
  ...sample(textsOf(["zz", "cache", "none", "no", "bps", "5"], ["=", ",", ",,", ","], 8), 150),
];

const blockdev = defineOption({ flag: "--blockdev", types: qemuTypes, type: "BlockdevOptions" });

type Answer = { readonly error: string } | { readonly drive: Drive };

function ourAnswer(text: string): Answer {
  try {
    const drive = parseDrive(text);
    if (drive.node !== undefined) checkNode(drive.node);
    return { drive };
  } catch (error) {
    return { error: messageWithHints(error) };
  }
}

/** As the block layer would look at the node. */
function checkNode(given: NonNullable<Drive["node"]>): void {
  // Without a driver QEMU looks into the image.
  const node = { driver: "raw", ...given };
  try {
    blockdev.fromKeyval(node);
  } catch (error) {
    throw isOptionError(error) ? driveOptionError(error, node) : error;
  }
}

/** QEMU's message, or OK. */
function theirError(answer: unknown): string {
  const text = String(answer)
    .replaceAll(/^warning: short-form[^]*?' deprecated\nPlease use [^]*? instead\n?/gm, "")
    .replaceAll(/^warning: .*\n/gm, "")
    .replaceAll(/^WARNING: .*\n(?: .*\n?)*/gm, "");
  if (IS_BEHIND.test(text)) return BEHIND;
  return text === "" ? "OK" : text;
}

const BEHIND = "about what lies behind the options";
const IS_BEHIND = /^(?:Could not open|Failed to connect|Cannot find device|Can't hot-add)/;

/** What can be seen of a drive from outside. */
function seen(blocks: JsonValue): unknown {
  if (!Array.isArray(blocks) || !isJsonObject(blocks[0])) return "no drive";
  const { inserted, device } = blocks[0];
  if (!isJsonObject(inserted)) return { device };
  const { ro, detect_zeroes: zeroes, cache, iops_size: iopsSize } = inserted;
  return { device, ro, zeroes, cache: isJsonObject(cache) ? { ...cache } : cache, iopsSize };
}

function expected({ id, node, readOnly, detectZeroes, cache, snapshot }: Drive): unknown {
  // What is seen of a snapshot is the temporary file.
  if (node === undefined || snapshot) return { device: id };
  const { writeback, direct, noFlush } = cache;
  return { device: id, ro: readOnly, zeroes: detectZeroes, cache: { writeback, direct, "no-flush": noFlush } };
}

describe.runIf(hasQemu)("-drive, compared with QEMU", () => {
  test.each([
    ["settings", SETTINGS.map((text) => `${NULL},${text}`), ["repeatedCache"]],
    ["whole arguments", WHOLE, ["suffix"]],
    ["generated settings", GENERATED.map((text) => `${NULL},${text}`), ["driverLast", "order"]],
  ])("%s", { timeout: 60_000 }, async (_name, texts, differences) => {
    const answers = await askMonitor(
      texts.flatMap((text) => {
        return [
          humanLine(`drive_add 0 ${quoted(text)}`),
          { execute: "query-block" },
          ...["a", "b", "none0", "off", "x"].map((id) => humanLine(`drive_del ${id}`)),
        ];
      }),
    );
    const disagreements = texts.flatMap((text, i): Disagreement[] => {
      const ours = ourAnswer(text);
      const theirs = theirError(answers[7 * i]);
      const error = "error" in ours ? ours.error : "OK";
      if (theirs === BEHIND) return [];
      if (error !== theirs) return [{ text, ours: error, theirs }];
      const drive = seen(answers[7 * i + 1] ?? null);
      if ("error" in ours || drive === "no drive") return [];
      const wanted = expected(ours.drive);
      return isSame(drive, wanted) ? [] : [{ text, ours: wanted, theirs: drive }];
    });
    expect(judge(disagreements)).toEqual({ unexplained: [], seen: differences });
  });
});

function isSame(theirs: unknown, ours: unknown): boolean {
  try {
    expect(theirs).toMatchObject(ours as object);
    return true;
  } catch {
    return false;
  }
}
