import { describe, expect, it } from "vitest";
import { createBlockClient } from "./block-client.ts";
import type { AbortSignalLike, BlockDriver, DriverEvent, OpenContext } from "./block-driver.ts";
import { BlockError } from "./block-error.ts";
import { createRequest, RequestFlag, type BlockRequest } from "./block-request.ts";
import { defineDriver } from "./define-driver.ts";
import type { DriverDefinition } from "./driver-definition.ts";
import { createRandom } from "./random.ts";
import { createVirtualClock, type VirtualClock } from "./virtual-clock.ts";

interface Opened {
  readonly driver: BlockDriver;
  readonly clock: VirtualClock;
  readonly events: DriverEvent[];
  readonly context: OpenContext;
}

const least: DriverDefinition = { name: "test", open: () => ({ size: 1000 }), read: () => {} };

function create(definition: Partial<DriverDefinition> = {}): Opened {
  const clock = createVirtualClock();
  const events: DriverEvent[] = [];
  const context = { clock, random: createRandom(1), onEvent: (event: DriverEvent) => events.push(event), held: false };
  return { driver: defineDriver({ ...least, ...definition }), clock, events, context };
}

async function open(definition: Partial<DriverDefinition> = {}): Promise<Opened> {
  const opened = create(definition);
  await opened.driver.open(opened.context);
  return opened;
}

/** Lets everything run that waits for promises only. */
async function turns(): Promise<void> {
  for (let left = 50; left > 0; left -= 1) await Promise.resolve();
}

/** A promise and the way to settle it. */
function deferred(): { promise: Promise<void>; resolve: () => void; reject: (error: unknown) => void } {
  let resolve = (): void => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}

function submit(driver: BlockDriver, fields: Partial<BlockRequest>): { request: BlockRequest; results: unknown[] } {
  const results: unknown[] = [];
  const request = createRequest({ ...fields, complete: (_request, error) => results.push(error) });
  driver.submit(request);
  return { request, results };
}

/** A signal that can be fired once. */
function createSignal(): { signal: AbortSignalLike; fire: () => void; listeners: Set<() => void> } {
  const listeners = new Set<() => void>();
  const signal: AbortSignalLike = {
    aborted: false,
    addEventListener: (_type, listener) => void listeners.add(listener),
    removeEventListener: (_type, listener) => void listeners.delete(listener),
  };
  return { signal, listeners, fire: () => listeners.forEach((listener) => listener()) };
}

describe("defineDriver: capabilities", () => {
  it("follow from the functions that exist", async () => {
    const { driver } = await open();
    expect(driver.capabilities).toMatchObject({
      size: 1000,
      readOnly: true,
      flush: false,
      discard: false,
      writeZeroes: false,
      blockStatus: false,
      resize: false,
      abandon: true,
      zeroCopy: false,
    });
    const nothing = (): void => {};
    const all = { write: nothing, flush: nothing, discard: nothing, writeZeroes: nothing, resize: nothing };
    const full = await open({ ...all, blockStatus: () => [] });
    expect(full.driver.capabilities).toMatchObject({
      readOnly: false,
      flush: true,
      discard: true,
      writeZeroes: true,
      blockStatus: true,
      resize: true,
      fua: false,
      fastZero: false,
    });
    expect([typeof driver.resize, typeof full.driver.resize]).toEqual(["undefined", "function"]);
  });

  it("can be declared false for a function that exists", async () => {
    const { driver } = await open({
      open: () => ({ size: 10, discard: false, resize: false, readOnly: true, instance: "unknown" }),
      write: () => {},
      discard: () => {},
      resize: () => {},
    });
    expect(driver.capabilities).toMatchObject({ discard: false, resize: false, readOnly: true, instance: "unknown" });
    expect(typeof driver.resize).toBe("undefined");
  });

  it.each([
    { size: 10, discard: true },
    { size: 10, readOnly: false },
    { size: 10, fastZero: true },
    { size: -1 },
    { size: 10, requestAlignment: 3 },
  ])("that cannot be fail the open, and close what was opened: %o", async (declared) => {
    let closed = 0;
    const { driver, context } = create({ open: () => declared, close: () => void (closed += 1) });
    await expect(driver.open(context)).rejects.toMatchObject({ code: "EINVAL", operation: "open" });
    expect(closed).toBe(1);
    expect(() => driver.capabilities).toThrow(BlockError);
    await driver.close();
    expect(closed).toBe(1);
  });
});

describe("defineDriver: open", () => {
  it("rejects with what the function throws, at once or later", async () => {
    for (const fail of [
      () => {
        throw Object.assign(new Error("away"), { code: "ENOENT" });
      },
      () => Promise.reject(Object.assign(new Error("away"), { code: "ENOENT" })),
    ]) {
      const { driver, context } = create({ open: fail });
      await expect(driver.open(context)).rejects.toMatchObject({ code: "ENOENT", operation: "open", message: "away" });
      await expect(driver.open(context)).rejects.toMatchObject({ code: "EBADF" });
      await driver.close();
    }
  });

  it("ends early with a signal, and lets go of what is opened later", async () => {
    const slow = deferred();
    let closed = 0;
    const { driver, context } = create({
      open: () => slow.promise.then(() => ({ size: 1 })),
      close: () => void (closed += 1),
    });
    const { signal, fire, listeners } = createSignal();
    const opening = driver.open({ ...context, signal });
    fire();
    await expect(opening).rejects.toMatchObject({ code: "ECANCELED" });
    expect([closed, listeners.size]).toEqual([0, 0]);
    slow.resolve();
    await turns();
    expect(closed).toBe(1);
  });

  it("does not begin with a signal that fired before", async () => {
    const { driver, context } = create();
    const { signal } = createSignal();
    await expect(driver.open({ ...context, signal: { ...signal, aborted: true } })).rejects.toMatchObject({
      code: "ECANCELED",
    });
  });

  it("ends early with a close, which resolves even if the function hangs", async () => {
    const { driver, context, clock } = create({ open: () => new Promise(() => {}), closeTimeout: 100 });
    const opening = driver.open(context);
    let closed = false;
    const closing = driver.close().then(() => (closed = true));
    await expect(opening).rejects.toMatchObject({ code: "ECANCELED" });
    await turns();
    expect(closed).toBe(false);
    clock.advance(100);
    await closing;
    expect(closed).toBe(true);
  });

  it("tells events only while it is open, and keeps the size", async () => {
    let tell: OpenContext["onEvent"] = () => {};
    const { driver, events } = await open({
      open(context) {
        tell = context.onEvent;
        tell({ type: "resized", size: 7 });
        return { size: 1000 };
      },
    });
    expect(events).toEqual([]);
    tell({ type: "resized", size: 500 });
    expect(events).toEqual([{ type: "resized", size: 500 }]);
    expect(driver.capabilities.size).toBe(500);
    await driver.close();
    tell({ type: "resized", size: 600 });
    expect(events).toHaveLength(1);
  });
});

describe("defineDriver: requests", () => {
  it("give each function its arguments", async () => {
    const calls: unknown[] = [];
    const note =
      (name: string) =>
      (...args: unknown[]): void => {
        calls.push([name, ...args]);
      };
    const { driver } = await open({
      open: () => ({ size: 1000, fua: true, fastZero: true }),
      write: (offset, data, options) => note("write")(offset, [...data], options),
      flush: note("flush"),
      discard: note("discard"),
      writeZeroes: note("writeZeroes"),
    });
    const client = createBlockClient(driver);
    await client.write(5, Uint8Array.of(1, 2), { fua: true });
    await client.flush();
    await client.discard(1, 2);
    await client.writeZeroes(3, 4, { mayUnmap: true, noFallback: true });
    expect(calls).toEqual([
      ["write", 5, [1, 2], { fua: true }],
      ["flush"],
      ["discard", 1, 2, { fua: false }],
      ["writeZeroes", 3, 4, { fua: false, mayUnmap: true, noFallback: true }],
    ]);
  });

  it("are not passed on if there is nothing to do, or they are refused", async () => {
    let calls = 0;
    const { driver } = await open({ read: () => void (calls += 1) });
    const client = createBlockClient(driver);
    expect(submit(driver, { operation: "flush" }).results).toEqual([null]);
    expect(await client.read(1000, 0)).toHaveLength(0);
    await expect(client.read(999, 2)).rejects.toMatchObject({ code: "EINVAL" });
    await expect(client.blockStatus(0, 2)).rejects.toMatchObject({ code: "ENOTSUP" });
    await expect(client.write(0, new Uint8Array(1))).rejects.toMatchObject({ code: "EROFS" });
    expect(calls).toBe(0);
  });

  it("fail with what a function throws, told what it was about", async () => {
    const thrown: unknown[] = [
      Object.assign(new Error("x"), { code: "ENOSPC" }),
      "text",
      new BlockError("x", { code: "EIO", errorClass: "transport" }),
      new BlockError("x", { code: "EIO", operation: "flush" }),
    ];
    const { driver } = await open({
      read: () => {
        throw thrown[0];
      },
    });
    const errors: unknown[] = [];
    while (thrown.length > 0) {
      errors.push(
        await createBlockClient(driver)
          .read(4, 2)
          .catch((error: unknown) => error),
      );
      thrown.shift();
    }
    const context = { operation: "read", offset: 4, length: 2 };
    expect(errors).toMatchObject([
      { code: "ENOSPC", errorClass: "no-space", ...context },
      { code: "EIO", errorClass: "storage", ...context },
      { code: "EIO", errorClass: "transport", ...context },
      { code: "EIO", operation: "flush" },
    ]);
  });

  it("cut block-status to what the caller may see", async () => {
    const { driver } = await open({
      blockStatus: () => [
        { length: 300, hole: true, zero: true },
        { length: 5000, hole: false, zero: false },
        { length: 5000, hole: true, zero: true },
      ],
    });
    const ask = async (offset: number, length: number, flags = 0): Promise<number[]> => {
      const { request, results } = submit(driver, { operation: "block-status", offset, length, flags });
      await turns();
      expect(results).toEqual([null]);
      return request.extents.map((extent) => extent.length);
    };
    expect(await ask(0, 400)).toEqual([300, 700]);
    expect(await ask(0, 300)).toEqual([300]);
    expect(await ask(0, 200, RequestFlag.REQ_ONE)).toEqual([200]);
    expect(await ask(0, 1000, RequestFlag.REQ_ONE)).toEqual([300]);
    expect(await ask(900, 100)).toEqual([100]);
  });

  it.each([[[]], [[{ length: 0, hole: false, zero: false }]], [[{ length: NaN, hole: false, zero: false }]]])(
    "fail block-status with EIO for a wrong answer: %o",
    async (extents) => {
      const { driver } = await open({ blockStatus: () => extents });
      await expect(createBlockClient(driver).blockStatus(0, 10)).rejects.toMatchObject({ code: "EIO" });
    },
  );

  it("can be abandoned: the buffers are left alone, and the request completes later", async () => {
    const slow = deferred();
    let written: Uint8Array = new Uint8Array(0);
    const { driver } = await open({
      read: async (_offset, buffer) => {
        buffer.fill(1);
        await slow.promise;
      },
      write: async (_offset, data) => {
        await slow.promise;
        written = data;
      },
    });
    const [readBuffer, writeBuffer] = [new Uint8Array(4), Uint8Array.of(1, 2, 3, 4)];
    const read = submit(driver, { operation: "read", length: 4, iov: [readBuffer] });
    const write = submit(driver, { operation: "write", length: 4, iov: [writeBuffer] });
    expect([driver.abandon?.(read.request), driver.abandon?.(write.request)]).toEqual([true, true]);
    readBuffer.fill(9);
    writeBuffer.fill(9);
    slow.resolve();
    await turns();
    expect([read.results, write.results]).toEqual([[null], [null]]);
    expect([...readBuffer]).toEqual([9, 9, 9, 9]);
    expect([...written]).toEqual([1, 2, 3, 4]);
    expect(driver.abandon?.(read.request)).toBe(false);
  });
});

describe("defineDriver: resize", () => {
  it("changes the size and tells it once", async () => {
    const { driver, events } = await open({ resize: () => {} });
    await driver.resize?.(2000);
    await driver.resize?.(2000);
    expect(driver.capabilities.size).toBe(2000);
    expect(events).toEqual([{ type: "resized", size: 2000 }]);
    await expect(driver.resize?.(-1)).rejects.toMatchObject({ code: "EINVAL", operation: "resize" });
    await driver.close();
    await expect(driver.resize?.(10)).rejects.toMatchObject({ code: "EBADF" });
  });

  it("rejects with what the function throws, and leaves the size", async () => {
    const { driver, events } = await open({ resize: () => Promise.reject(new Error("no")) });
    await expect(driver.resize?.(10)).rejects.toMatchObject({ code: "EIO", operation: "resize" });
    expect([driver.capabilities.size, events]).toEqual([1000, []]);
  });
});

describe("defineDriver: close", () => {
  it("waits for what is in flight, then calls the function, once", async () => {
    const slow = deferred();
    const order: string[] = [];
    const { driver, clock } = await open({
      read: async () => {
        await slow.promise;
        order.push("read");
      },
      close: () => void order.push("close"),
    });
    const { results } = submit(driver, { operation: "read", length: 1, iov: [new Uint8Array(1)] });
    const closing = Promise.all([driver.close(), driver.close()]);
    await turns();
    expect(order).toEqual([]);
    slow.resolve();
    await closing;
    expect([results, order]).toEqual([[null], ["read", "close"]]);
    expect(clock.pending).toBe(0);
    expect(submit(driver, { operation: "flush" }).results).toMatchObject([{ code: "EBADF" }]);
  });

  it("gives up what does not end in time, and is deaf to it afterwards", async () => {
    const slow = deferred();
    const { driver, clock } = await open({
      read: async (_offset, buffer) => {
        await slow.promise;
        buffer.fill(1);
      },
      close: () => new Promise(() => {}),
      closeTimeout: 50,
    });
    const buffer = new Uint8Array(1);
    const { results } = submit(driver, { operation: "read", length: 1, iov: [buffer] });
    const closing = driver.close();
    clock.advance(49);
    await turns();
    expect(results).toEqual([]);
    clock.advance(1);
    await closing;
    expect(results).toMatchObject([{ code: "ECANCELED", errorClass: "cancelled", operation: "read" }]);
    slow.resolve();
    await turns();
    expect([results.length, buffer[0]]).toEqual([1, 0]);
  });

  it("resolves although the function throws", async () => {
    for (const close of [
      () => Promise.reject(new Error("no")),
      () => {
        throw new Error("no");
      },
    ]) {
      const { driver } = await open({ close });
      await driver.close();
    }
    expect(true).toBe(true);
  });

  it("calls reconnectNow of the definition, where there is one", async () => {
    let calls = 0;
    const { driver } = await open({ reconnectNow: () => void (calls += 1) });
    driver.reconnectNow?.();
    expect(calls).toBe(1);
    expect(typeof (await open()).driver.reconnectNow).toBe("undefined");
  });
});
