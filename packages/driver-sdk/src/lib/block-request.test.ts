import { expect, it } from "vitest";
import { changesData, createRequest } from "./block-request.ts";

it("a fresh request is neutral, and its arrays are its own", () => {
  const [a, b] = [createRequest(), createRequest({ operation: "write", offset: 5 })];
  expect(a).toMatchObject({ operation: "read", offset: 0, length: 0, flags: 0, iov: [], extents: [], owner: null });
  expect(b).toMatchObject({ operation: "write", offset: 5 });
  expect(a.iov).not.toBe(b.iov);
  expect(a.extents).not.toBe(b.extents);
});

it("a request without a submitter is a defect, and says so", () => {
  const request = createRequest();
  expect(() => request.complete(request, null)).toThrow("never set");
});

it("knows which operations change data", () => {
  const all = ["read", "write", "flush", "discard", "write-zeroes", "block-status"] as const;
  expect(all.filter(changesData)).toEqual(["write", "discard", "write-zeroes"]);
});
