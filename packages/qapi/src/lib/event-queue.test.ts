import { expect, test } from "vitest";
import { EventQueue } from "./event-queue.ts";

test("holds so many values at most, and gives them in their order", async () => {
  const queue = new EventQueue<number>({ count: 100, bytes: 2 ** 40 }, () => {});
  const taken: unknown[] = [];
  for (let value = 0; value < 1000; value++) {
    queue.push(value, 1);
    if (value % 3 === 0) taken.push((await queue.next()).value);
  }
  queue.end();
  for await (const value of queue) taken.push(value);
  expect(taken).toEqual(taken.toSorted((a, b) => Number(a) - Number(b)));
  expect([new Set(taken).size, taken.length + queue.dropped, taken.at(-1)]).toEqual([taken.length, 1000, 999]);
});

test("holds so many bytes at most, and one value whatever its size", async () => {
  const queue = new EventQueue<string>({ count: 1000, bytes: 100 }, () => {});
  queue.push("huge", 1000);
  expect(queue.dropped).toBe(0);
  for (const value of ["a", "b", "c"]) queue.push(value, 40);
  expect(queue.dropped).toBe(2);
  expect((await queue.next()).value).toBe("b");
  queue.push("d", 60);
  expect([queue.dropped, (await queue.next()).value]).toEqual([2, "c"]);
});
