import { createRequest, createVirtualClock, type BlockRequest } from "@rehandle/driver-sdk";
import { expect, test } from "vitest";

import {
  faultyFileSystem,
  nextTurn,
  openBed,
  pattern,
  systemError,
  temporaryFile,
  type Submitted,
} from "../testing/test-bed.ts";
import { nodeFileSystem, type FileSystem, type Moved } from "./file-system.ts";

/** A storage that takes reads and writes and answers when the test says so. */
function silentStorage(): { fileSystem: FileSystem; answers: Moved[]; closed: number[] } {
  const answers: Moved[] = [];
  const closed: number[] = [];
  const fileSystem = faultyFileSystem({
    read: (_fd, buffer, from, length, _position, done) => {
      answers.push((error, bytes) => {
        buffer.fill(7, from, from + length);
        done(error, bytes);
      });
    },
    write: (_fd, _buffer, _from, _length, _position, done) => void answers.push(done),
    close(fd, done) {
      closed.push(fd);
      nodeFileSystem.close(fd, done);
    },
  });
  return { fileSystem, answers, closed };
}

const write = (offset: number, data = pattern(4096)): Partial<BlockRequest> => ({
  operation: "write",
  offset,
  length: data.length,
  iov: [data],
});

test("close waits for what the system has, cancels what waits, and closes the file after both", async () => {
  const { fileSystem, answers, closed } = silentStorage();
  const bed = await openBed({ filename: temporaryFile(65_536), fileSystem, queueDepth: 2 });
  const requests = [0, 1, 2, 3].map((block) => bed.submit(write(block * 4096)));
  let isClosed = false;
  const closing = bed.driver.close().then(() => {
    isClosed = true;
  });
  expect(requests.map(({ completions }) => completions)).toEqual([0, 0, 1, 1]);
  expect(await requests[3]?.done).toMatchObject({ code: "ECANCELED", errorClass: "cancelled" });
  answers[0]?.(null, 4096);
  await nextTurn();
  expect([isClosed, closed.length]).toEqual([false, 0]);
  answers[1]?.(null, 4096);
  await closing;
  expect(closed).toHaveLength(1);
  expect(await requests[0]?.done).toBeNull();
  expect(requests.every(({ completions }) => completions === 1)).toBe(true);
  expect(await bed.submit(write(0)).done).toMatchObject({ code: "EBADF" });
  await bed.driver.close();
  expect(closed).toHaveLength(1);
});

test("close resolves within its bound, and the file stays open for as long as the system may use it", async () => {
  const clock = createVirtualClock();
  const { fileSystem, answers, closed } = silentStorage();
  const bed = await openBed({ filename: temporaryFile(65_536), fileSystem, closeTimeout: 3000 }, { clock });
  const request = bed.submit(write(0));
  let isClosed = false;
  const closing = bed.driver.close().then(() => {
    isClosed = true;
  });
  await nextTurn();
  clock.advance(2999);
  await nextTurn();
  expect(isClosed).toBe(false);
  clock.advance(1);
  await closing;
  expect([request.completions, closed.length]).toEqual([0, 0]);
  answers[0]?.(null, 4096);
  expect(await request.done).toBeNull();
  await nextTurn();
  expect(closed).toHaveLength(1);
});

test("a short write that is continued, a flush and a resize keep the file open, too", async () => {
  const { fileSystem, answers, closed } = silentStorage();
  const bed = await openBed({ filename: temporaryFile(65_536), fileSystem });
  const request = bed.submit({ ...write(0), flags: 1 });
  const resizing = bed.driver.resize?.(8192);
  const closing = bed.driver.close();
  answers[0]?.(null, 1000);
  await nextTurn();
  expect(closed).toHaveLength(0);
  expect(answers).toHaveLength(2);
  answers[1]?.(null, 3096);
  await closing;
  expect(await request.done).toBeNull();
  await expect(resizing).rejects.toMatchObject({ code: "EBADF" });
  expect(closed).toHaveLength(1);
});

test("an abandoned read leaves its buffers alone and completes when it can no longer land", async () => {
  const { fileSystem, answers } = silentStorage();
  const bed = await openBed({ filename: temporaryFile(65_536), fileSystem, cachedReads: false });
  const buffer = new Uint8Array(4096).fill(1);
  const read = bed.submit({ operation: "read", length: 4096, iov: [buffer] });
  expect(bed.driver.abandon?.(read.request)).toBe(true);
  expect(read.completions).toBe(0);
  answers[0]?.(null, 4096);
  expect(await read.done).toMatchObject({ code: "ECANCELED", operation: "read" });
  expect(buffer).toEqual(new Uint8Array(4096).fill(1));
});

test("an abandoned write lands with the data that it had, and says so", async () => {
  const filename = temporaryFile(65_536);
  const held: (() => void)[] = [];
  const fileSystem = faultyFileSystem({
    write: (fd, buffer, from, length, position, done) => {
      held.push(() => nodeFileSystem.write(fd, buffer, from, Math.min(length, 3000), position, done));
    },
  });
  const bed = await openBed({ filename, fileSystem });
  const data = pattern(4096);
  const request = bed.submit(write(512, data));
  expect(bed.driver.abandon?.(request.request)).toBe(true);
  data.fill(0xff);
  held[0]?.();
  while (held.length < 2) await nextTurn();
  held[1]?.();
  expect(await request.done).toBeNull();
  expect(await bed.client.read(512, 4096)).toEqual(pattern(4096));
});

test("an abandoned request that waits is cancelled, and never reaches the system", async () => {
  const { fileSystem, answers } = silentStorage();
  const bed = await openBed({ filename: temporaryFile(65_536), fileSystem, queueDepth: 1 });
  const [first, second, third] = [0, 1, 2].map((block) => bed.submit(write(block * 4096))) as [
    Submitted,
    Submitted,
    Submitted,
  ];
  expect(bed.driver.abandon?.(second.request)).toBe(true);
  expect(second.completions).toBe(0);
  expect(await second.done).toMatchObject({ code: "ECANCELED" });
  answers[0]?.(null, 4096);
  answers[1]?.(null, 4096);
  expect([await first.done, await third.done]).toEqual([null, null]);
  expect(answers).toHaveLength(2);
  expect(second.completions).toBe(1);
  expect(bed.driver.abandon?.(first.request)).toBe(false);
});

test("what was not copied cannot be abandoned", async () => {
  const { fileSystem, answers } = silentStorage();
  const bed = await openBed({ filename: temporaryFile(1_048_576), fileSystem, cachedReads: false });
  const long = bed.submit(write(0, pattern(65_537)));
  expect(bed.driver.abandon?.(long.request)).toBe(false);
  const flush = bed.submit({ operation: "flush" });
  expect(bed.driver.abandon?.(flush.request)).toBe(true);
  expect(await flush.done).toBeNull();
  answers[0]?.(systemError("EIO"), 0);
  expect(await long.done).toMatchObject({ code: "EIO" });
});

test("with O_DIRECT a long write can be abandoned in its last piece only, a read in any", async () => {
  const { fileSystem, answers } = silentStorage();
  const filename = temporaryFile(1_048_576);
  const opening = faultyFileSystem({ ...fileSystem, read: (...parameters) => reader(...parameters) });
  let reader: FileSystem["read"] = (...parameters) => nodeFileSystem.read(...parameters);
  const bed = await openBed({ filename, fileSystem: opening, cacheDirect: true });
  reader = (...parameters) => fileSystem.read(...parameters);
  const piece = 262_144;
  const long = bed.submit(write(0, new Uint8Array(piece + 4096)));
  expect(bed.driver.abandon?.(long.request)).toBe(false);
  answers[0]?.(null, piece);
  expect(bed.driver.abandon?.(long.request)).toBe(true);
  answers[1]?.(null, 4096);
  expect(await long.done).toBeNull();
  const buffer = new Uint8Array(piece + 4096);
  const read = bed.submit({ operation: "read", length: buffer.length, iov: [buffer] });
  answers[2]?.(null, piece);
  expect(buffer[0]).toBe(7);
  buffer.fill(0);
  expect(bed.driver.abandon?.(read.request)).toBe(true);
  answers[3]?.(null, 4096);
  expect(await read.done).toMatchObject({ code: "ECANCELED" });
  expect(buffer).toEqual(new Uint8Array(buffer.length));
});

test("requests that come first are begun first, even while others are submitted from completions", async () => {
  const { fileSystem, answers } = silentStorage();
  const bed = await openBed({ filename: temporaryFile(65_536), fileSystem, queueDepth: 1 });
  const order: string[] = [];
  const send = (name: string, complete: () => void): void => {
    const iov = [pattern(512)];
    bed.driver.submit(
      createRequest({ operation: "write", length: 512, iov, complete: () => (order.push(name), complete()) }),
    );
  };
  send("first", () => send("from within", () => {}));
  send("second", () => {});
  for (let turn = 0; turn < 3; turn += 1) answers[turn]?.(null, 512);
  expect(order).toEqual(["first", "second", "from within"]);
});
