import { describe, expect, it } from "vitest";
import type { BlockDriver, OpenContext } from "../lib/block-driver.ts";
import { BlockError } from "../lib/block-error.ts";
import { RequestFlag, type BlockRequest } from "../lib/block-request.ts";
import type { DriverCapabilities } from "../lib/capabilities.ts";
import { ArrayDriver } from "../testing/array-driver.ts";
import type { ConformanceSetup } from "./conformance-setup.ts";
import { conformanceChecks, runConformanceCheck } from "./run-conformance-check.ts";

const SIZE = 256 * 1024;

function setupOf(create: (bytes: Uint8Array) => BlockDriver): ConformanceSetup {
  return {
    create: () => {
      const bytes = new Uint8Array(SIZE);
      return { driver: create(bytes), reopen: () => create(bytes) };
    },
    operations: 150,
    span: 64 * 1024,
    timeout: 150,
  };
}

/** The names of the checks that a driver fails, with what they say. */
async function failures(setup: ConformanceSetup): Promise<Map<string, string>> {
  const failed = new Map<string, string>();
  for (const check of conformanceChecks) {
    await runConformanceCheck(check, setup).catch((thrown: unknown) => failed.set(check.name, String(thrown)));
  }
  return failed;
}

/** A driver with one defect and words of the name of the check that must find it. */
interface Broken {
  readonly defect: string;
  readonly finds: string;
  readonly says: RegExp;
  readonly create: (bytes: Uint8Array) => BlockDriver;
}

/** An ArrayDriver with some of its methods replaced. `this` is the driver. */
function broken(
  defect: string,
  finds: string,
  says: RegExp,
  spoil: (driver: ArrayDriver) => object,
  slow = false,
): Broken {
  return {
    defect,
    finds,
    says,
    create: (bytes) => {
      const driver = new ArrayDriver(bytes, slow);
      return Object.assign(driver, spoil(driver));
    },
  };
}

const withCapabilities = (driver: ArrayDriver, declared: Partial<DriverCapabilities>): object => ({
  declared: { ...driver.declared, ...declared },
});

const LIFE: readonly Broken[] = [
  {
    defect: "has capabilities before it is open",
    finds: "capabilities throw EBADF before open",
    says: /resolved instead of rejecting/,
    create: (bytes) => Object.assign(new ArrayDriver(bytes), { isOpen: true }),
  },
  broken("throws from submit when it is not open", "requests before open", /submit threw/, (driver) => ({
    submit(request: BlockRequest) {
      if (!driver.isOpen) throw new Error("not open");
      ArrayDriver.prototype.submit.call(driver, request);
    },
  })),
  broken("works on after close", "requests after close", /after close succeeded/, (driver) => ({
    close: async () => driver.waiting.clear(),
  })),
  broken("never resolves close", "close without open", /close took more than/, () => ({
    close: () => new Promise<void>(() => {}),
  })),
  broken("rejects a second close", "close resolves when called twice", /twice/, (driver) => ({
    close: async () => {
      if (!driver.isOpen) throw new Error("closed twice");
      driver.isOpen = false;
    },
  })),
  broken(
    "forgets what is in flight when it closes",
    "close completes every request",
    /was not completed when close resolved/,
    (driver) => ({
      close: async () => {
        driver.waiting.clear();
        driver.isOpen = false;
      },
    }),
    true,
  ),
  broken("declares a resize that it has not", "open resolves with the capabilities", /resize/, () => ({
    resize: undefined,
  })),
  broken(
    "resolves open with other capabilities than it has",
    "open resolves with",
    /open resolved with size/,
    (driver) => ({
      async open(context: OpenContext) {
        return { ...(await ArrayDriver.prototype.open.call(driver, context)), size: 1 };
      },
    }),
  ),
  broken("sends an event after close", "the first and the last bytes", /after close was called/, (driver) => ({
    async close() {
      await ArrayDriver.prototype.close.call(driver);
      driver.context?.onEvent({ type: "resized", size: 1 });
    },
  })),
];

const REFUSALS: readonly Broken[] = [
  broken("reads past the end", "out of range", /succeeded instead of failing with EINVAL/, () => ({
    check: () => null,
  })),
  broken("checks the range one byte too far", "out of range", /EINVAL/, (driver) => ({
    check: (request: BlockRequest) => {
      const error = ArrayDriver.prototype.check.call(driver, request);
      return request.offset + request.length === SIZE + 1 ? null : error;
    },
  })),
  broken("takes fractions", "NaN, fractional", /EINVAL/, (driver) => ({
    check: (request: BlockRequest) =>
      request.offset === 0.5 ? null : ArrayDriver.prototype.check.call(driver, request),
  })),
  broken("ignores its alignment", "a misaligned offset or length", /EINVAL/, (driver) => ({
    ...withCapabilities(driver, { requestAlignment: 512 }),
    check: (request: BlockRequest) =>
      request.offset % 512 === 0 ? ArrayDriver.prototype.check.call(driver, request) : null,
  })),
  broken("ignores the length of the buffers", "buffers of another length", /EINVAL/, (driver) => ({
    check: (request: BlockRequest) =>
      ArrayDriver.prototype.check.call(driver, { ...request, iov: [new Uint8Array(request.length)] }),
  })),
  broken("writes before it checks", "a refused write leaves", /after refused writes/, (driver) => ({
    check: (request: BlockRequest) => {
      if (request.operation === "write" && request.offset === 0) driver.bytes.set(request.iov[0] ?? []);
      return ArrayDriver.prototype.check.call(driver, request);
    },
  })),
  broken("takes longer transfers than it says", "over maxTransfer", /EINVAL/, (driver) => ({
    ...withCapabilities(driver, { maxTransfer: 65536 }),
    check: (request: BlockRequest) =>
      request.length > 65536 ? null : ArrayDriver.prototype.check.call(driver, request),
  })),
  broken("takes less than maxTransfer", "over maxTransfer", /failed with EIO/, (driver) => ({
    ...withCapabilities(driver, { maxTransfer: 65536 }),
    perform: (request: BlockRequest) =>
      request.length >= 65536
        ? new BlockError("too long", { code: "EIO" })
        : ArrayDriver.prototype.perform.call(driver, request),
  })),
  broken("says EPERM for read-only storage", "writes to read-only storage", /EPERM/, (driver) => ({
    ...withCapabilities(driver, { readOnly: true }),
    check: (request: BlockRequest) => {
      const error = ArrayDriver.prototype.check.call(driver, request);
      return error?.code === "EROFS" ? new BlockError("no", { code: "EPERM" }) : error;
    },
  })),
  broken("does what it does not declare", "operations that are not declared", /discard succeeded/, (driver) => ({
    ...withCapabilities(driver, { discard: false }),
    check: (request: BlockRequest) =>
      request.operation === "discard" ? null : ArrayDriver.prototype.check.call(driver, request),
  })),
  broken("ignores FUA that it does not declare", "FUA that is not declared", /EINVAL/, (driver) => ({
    ...withCapabilities(driver, { fua: false }),
    check: (request: BlockRequest) =>
      ArrayDriver.prototype.check.call(driver, { ...request, flags: request.flags & ~RequestFlag.FUA }),
  })),
  broken("writes zeroes the slow way", "NO_FALLBACK without fastZero", /ENOTSUP/, (driver) => ({
    ...withCapabilities(driver, { fastZero: false }),
    check: (request: BlockRequest) =>
      ArrayDriver.prototype.check.call(driver, { ...request, flags: request.flags & ~RequestFlag.NO_FALLBACK }),
  })),
  broken("gives errors without context", "errors say operation", /the error says/, (driver) => ({
    check: (request: BlockRequest) =>
      ArrayDriver.prototype.check.call(driver, request) === null ? null : new BlockError("no", { code: "EINVAL" }),
  })),
];

const DATA: readonly Broken[] = [
  broken("is off by one at odd offsets", "writes at odd offsets", /neighbourhood/, (driver) => ({
    write: (request: BlockRequest) =>
      ArrayDriver.prototype.write.call(driver, { ...request, offset: request.offset - (request.offset % 2) }),
  })),
  broken("writes one byte too many", "aligned writes are read back", /all blocks after a write/, (driver) => ({
    write: (request: BlockRequest) => {
      ArrayDriver.prototype.write.call(driver, request);
      driver.bytes[request.offset + request.length] = 0xff;
    },
  })),
  broken("uses the first part of an iov only", "iov of many parts", /iov cut at/, (driver) => ({
    read: (request: BlockRequest) =>
      ArrayDriver.prototype.read.call(driver, { ...request, iov: request.iov.slice(0, 1) }),
  })),
  broken("fails requests of no length", "requests of no length", /failed with EINVAL/, (driver) => ({
    check: (request: BlockRequest) =>
      request.length === 0 && request.operation !== "flush"
        ? new BlockError("nothing", { code: "EINVAL" })
        : ArrayDriver.prototype.check.call(driver, request),
  })),
  broken("loses the last byte of the storage", "the first and the last bytes", /bytes at/, (driver) => ({
    write: (request: BlockRequest) => {
      ArrayDriver.prototype.write.call(driver, request);
      driver.bytes[SIZE - 1] = 0;
    },
  })),
  broken("loses every 20th write", "random requests, one at a time", /seed 1/, (driver) => {
    let count = 0;
    return {
      write: (request: BlockRequest) => {
        if (++count % 20 !== 0) ArrayDriver.prototype.write.call(driver, request);
      },
    };
  }),
  broken(
    "mixes up requests in flight",
    "random requests, 64 in flight",
    /seed 1/,
    (driver) => ({
      write: (request: BlockRequest) => {
        const writes = [...driver.waiting].filter((each) => each.operation === "write");
        const other = writes.length > 8 ? writes.find((each) => each.length >= request.length) : undefined;
        ArrayDriver.prototype.write.call(driver, { ...request, iov: (other ?? request).iov });
      },
    }),
    true,
  ),
  broken("fails a flush", "flush succeeds", /flush .* failed with EIO/, (driver) => ({
    perform: (request: BlockRequest) =>
      request.operation === "flush"
        ? new BlockError("no", { code: "EIO" })
        : ArrayDriver.prototype.perform.call(driver, request),
  })),
  broken("keeps FUA writes to itself", "writes with FUA are there after", /after reopening/, (driver) => {
    const storage = driver.bytes;
    return {
      // Volatile: a copy of the storage that only flush writes back.
      bytes: storage.slice(),
      perform: (request: BlockRequest) => {
        if (request.operation === "flush") storage.set(driver.bytes);
        return ArrayDriver.prototype.perform.call(driver, request);
      },
    };
  }),
  broken("does not flush", "flushed writes are there", /flushed data/, (driver) => ({ bytes: driver.bytes.slice() })),
];

const PROTOCOL: readonly Broken[] = [
  broken("completes twice", "aligned writes are read back", /completed 2 times/, (driver) => ({
    submit(request: BlockRequest) {
      ArrayDriver.prototype.submit.call(driver, request);
      if (request.operation === "write") request.complete(request, null);
    },
  })),
  broken(
    "completes once more, later",
    "flush succeeds",
    /completed 2 times/,
    (driver) => ({
      perform(request: BlockRequest) {
        driver.context?.clock.setTimer(1, () => request.complete(request, null));
        return ArrayDriver.prototype.perform.call(driver, request);
      },
    }),
    true,
  ),
  broken("loses a completion", "flush succeeds", /took more than/, (driver) => ({
    submit(request: BlockRequest) {
      if (request.operation !== "flush") ArrayDriver.prototype.submit.call(driver, request);
    },
  })),
  broken("changes the request", "aligned writes are read back", /changed request.offset/, (driver) => ({
    write(request: BlockRequest) {
      ArrayDriver.prototype.write.call(driver, request);
      request.offset += request.length;
    },
  })),
  broken("uses the owner field for itself", "aligned writes are read back", /changed request.owner/, (driver) => ({
    perform(request: BlockRequest) {
      request.owner = driver;
      return ArrayDriver.prototype.perform.call(driver, request);
    },
  })),
  broken("consumes the iov", "aligned writes are read back", /parts of request.iov/, (driver) => ({
    write(request: BlockRequest) {
      ArrayDriver.prototype.write.call(driver, request);
      request.iov.shift();
    },
  })),
  broken("scribbles on the payload", "aligned writes are read back", /changed the payload/, (driver) => ({
    write(request: BlockRequest) {
      ArrayDriver.prototype.write.call(driver, request);
      request.iov[0]?.fill(0);
    },
  })),
  broken("writes beside the buffer", "reads repeat", /beside the buffer/, (driver) => ({
    read(request: BlockRequest) {
      ArrayDriver.prototype.read.call(driver, request);
      const part = request.iov[0];
      if (part !== undefined && part.byteOffset > 0) new Uint8Array(part.buffer, part.byteOffset - 1, 1)[0] = 0;
    },
  })),
  broken(
    "touches an abandoned buffer",
    "an abandoned read",
    /its buffer was filled/,
    (driver) => {
      return { ...withCapabilities(driver, { abandon: true }), abandon: () => true };
    },
    true,
  ),
  broken(
    "writes from an abandoned buffer",
    "an abandoned write",
    /bytes? \d+ of 512 is|never to be written/,
    (driver) => {
      return { ...withCapabilities(driver, { abandon: true }), abandon: () => true };
    },
    true,
  ),
];

const ZEROES: readonly Broken[] = [
  broken("lies about zero extents", "extents that are zero read as zeroes", /an extent that is zero/, () => ({
    status: (request: BlockRequest) => request.extents.push({ length: request.length, hole: true, zero: true }),
  })),
  broken("answers no extent", "block-status extents have lengths", /no extent/, () => ({ status: () => {} })),
  broken("answers extents beyond the end", "block-status extents have lengths", /beyond the end/, () => ({
    status: (request: BlockRequest) => request.extents.push({ length: SIZE * 2, hole: false, zero: false }),
  })),
  broken("answers an extent of no length", "block-status extents have lengths", /gave the extent/, (driver) => ({
    status(request: BlockRequest) {
      request.extents.push({ length: 0, hole: false, zero: false });
      ArrayDriver.prototype.status.call(driver, request);
    },
  })),
  broken("ignores REQ_ONE", "block-status with REQ_ONE", /with REQ_ONE/, (driver) => ({
    status: (request: BlockRequest) => ArrayDriver.prototype.status.call(driver, { ...request, flags: 0 }),
  })),
  broken("zeroes one byte too few", "write-zeroes reads back", /the range of write-zeroes/, (driver) => ({
    perform(request: BlockRequest) {
      const { operation, length } = request;
      const cut = operation === "write-zeroes" ? { ...request, length: length - 1 } : request;
      return ArrayDriver.prototype.perform.call(driver, cut);
    },
  })),
  broken("discards too much", "discard succeeds", /the bytes (before|after) a discard/, (driver) => ({
    perform(request: BlockRequest) {
      const wide = { ...request, offset: 0, length: request.offset + request.length };
      return ArrayDriver.prototype.perform.call(driver, request.operation === "discard" ? wide : request);
    },
  })),
  broken("binds write-zeroes to maxTransfer", "not bound by maxTransfer", /failed with EINVAL/, (driver) => ({
    ...withCapabilities(driver, { maxTransfer: 65536 }),
    check: (request: BlockRequest) =>
      request.length > 65536
        ? new BlockError("too long", { code: "EINVAL" })
        : ArrayDriver.prototype.check.call(driver, request),
  })),
  broken("resizes without a word", "resize shrinks and grows", /sent resized with/, (driver) => ({
    async resize(size: number) {
      const bytes = new Uint8Array(size);
      bytes.set(driver.bytes.subarray(0, size));
      driver.bytes = bytes;
    },
  })),
  broken("resizes to anything", "resize to something that is no size", /resolved instead|no BlockError/, () => ({
    resize: async () => {},
  })),
  broken("forgets the data when it is resized", "resize shrinks and grows", /the beginning after resize/, (driver) => ({
    async resize(size: number) {
      driver.bytes = new Uint8Array(size);
      driver.context?.onEvent({ type: "resized", size });
    },
  })),
];

describe("conformance suite", () => {
  it("has a name of its own for every check", () => {
    const names = conformanceChecks.map((check) => check.name);
    expect(new Set(names).size).toBe(names.length);
  });

  it.each([false, true])("finds nothing in a correct driver (slow: %s)", async (slow) => {
    const setup = { ...setupOf((bytes) => new ArrayDriver(bytes, slow)), timeout: 10_000 };
    expect(await failures(setup)).toEqual(new Map());
  });

  it.for([...LIFE, ...REFUSALS, ...DATA, ...PROTOCOL, ...ZEROES])(
    "finds a driver that $defect",
    async ({ create, finds, says }) => {
      const checks = conformanceChecks.filter((check) => check.name.includes(finds));
      expect(checks.map((check) => check.name)).toHaveLength(1);
      await expect(runConformanceCheck(checks[0]!, setupOf(create))).rejects.toThrow(says);
    },
  );
});
