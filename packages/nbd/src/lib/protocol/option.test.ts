import type { BlockError } from "@rehandle/driver-sdk";
import fc from "fast-check";
import { expect, test } from "vitest";
import { NBD_INFO_BLOCK_SIZE, NBD_INFO_DESCRIPTION, NBD_INFO_EXPORT, NBD_INFO_NAME, NBD_REP_ACK } from "./constants.ts";
import { decodeInfo, encodeInfo, type InfoPayload } from "./info.ts";
import {
  decodeMetaContext,
  decodeMetaContextRequest,
  encodeMetaContext,
  encodeMetaContextRequest,
} from "./meta-context.ts";
import {
  decodeInfoRequest,
  decodeOptionHeader,
  decodeOptionReplyHeader,
  decodeServerReply,
  encodeInfoRequest,
  encodeOption,
  encodeOptionReply,
  encodeServerReply,
} from "./option.ts";

const uint32 = fc.integer({ min: 0, max: 0xffffffff });
const uint16 = fc.integer({ min: 0, max: 0xffff });
/** Strings as the protocol knows them. */
const text = fc.string({ unit: "grapheme", maxLength: 40 }).filter((value) => !value.includes("\0"));
const protocolError: unknown = expect.objectContaining({ code: "EPROTO" });

test("options and their replies come back as they were written", () => {
  fc.assert(
    fc.property(uint32, uint32, fc.uint8Array({ maxLength: 50 }), (option, type, data) => {
      const request = encodeOption(option, data);
      expect(decodeOptionHeader(request)).toEqual({ option, length: data.length });
      expect(request.subarray(16)).toEqual(data);
      const reply = encodeOptionReply(option, type, data);
      expect(decodeOptionReplyHeader(reply)).toEqual({ option, type, length: data.length });
      expect(reply.subarray(20)).toEqual(data);
    }),
  );
});

test("magics are checked", () => {
  const request = encodeOption(7);
  request[3] = 0;
  expect(() => decodeOptionHeader(request)).toThrow(protocolError);
  const reply = encodeOptionReply(7, NBD_REP_ACK);
  reply[7] = 0;
  expect(() => decodeOptionReplyHeader(reply)).toThrow(protocolError);
});

test("data of INFO, GO, LIST and the meta context options comes back as it was written", () => {
  fc.assert(
    fc.property(
      text,
      text,
      fc.array(uint16),
      fc.array(text, { maxLength: 5 }),
      uint32,
      (name, more, infos, queries, id) => {
        expect(decodeInfoRequest(encodeInfoRequest({ name, infos }))).toEqual({ name, infos });
        expect(decodeServerReply(encodeServerReply({ name, description: more }))).toEqual({ name, description: more });
        expect(decodeMetaContextRequest(encodeMetaContextRequest({ name, queries }))).toEqual({ name, queries });
        expect(decodeMetaContext(encodeMetaContext({ id, name }))).toEqual({ id, name });
      },
    ),
  );
});

test("info payloads come back as they were written", () => {
  const infos: InfoPayload[] = [
    { type: NBD_INFO_EXPORT, size: 2 ** 40, flags: 0xd6d },
    { type: NBD_INFO_NAME, name: "disk" },
    { type: NBD_INFO_DESCRIPTION, description: "the büro's disk" },
    { type: NBD_INFO_BLOCK_SIZE, minimum: 512, preferred: 4096, maximum: 0xffffffff },
  ];
  for (const info of infos) expect(decodeInfo(encodeInfo(info))).toEqual(info);
  expect(decodeInfo(Uint8Array.of(0x12, 0x34, 1, 2))).toBeNull();
});

test("data that is one byte too short or too long is malformed, wherever it is cut", () => {
  const forms: [Uint8Array, (data: Uint8Array) => unknown][] = [
    [encodeInfoRequest({ name: "disk", infos: [1, 3] }), decodeInfoRequest],
    [encodeMetaContextRequest({ name: "disk", queries: ["base:allocation", "a:b"] }), decodeMetaContextRequest],
    [encodeInfo({ type: NBD_INFO_EXPORT, size: 1, flags: 1 }), decodeInfo],
    [encodeInfo({ type: NBD_INFO_BLOCK_SIZE, minimum: 1, preferred: 512, maximum: 1024 }), decodeInfo],
  ];
  for (const [data, decode] of forms) {
    expect(() => decode(data)).not.toThrow();
    for (let length = 0; length < data.length; length += 1) {
      expect(() => decode(data.subarray(0, length))).toThrow(protocolError);
    }
    expect(() => decode(Uint8Array.of(...data, 0))).toThrow(protocolError);
  }
});

/** Data of NBD_OPT_INFO with a name that need not be text. */
function withName(name: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(0, 0, name.length >> 8, name.length), name, Uint8Array.of(0, 0)]);
}

test("strings over 4096 bytes, with a NUL, or that are not UTF-8 are refused", () => {
  expect(decodeInfoRequest(withName(Buffer.alloc(4096, "x"))).name).toHaveLength(4096);
  expect(() => decodeInfoRequest(withName(Buffer.alloc(4097, "x")))).toThrow("4097 bytes, over 4096");
  expect(() => decodeInfoRequest(withName(Buffer.from("a\0b")))).toThrow("NUL");
  expect(() => decodeInfoRequest(withName(Uint8Array.of(0xc3)))).toThrow("not UTF-8");
  expect(() => encodeInfoRequest({ name: "a\0b", infos: [] })).toThrow(expect.objectContaining({ code: "EINVAL" }));
  expect(() => encodeInfoRequest({ name: "ü".repeat(2049), infos: [] })).toThrow(
    expect.objectContaining({ code: "EINVAL" }),
  );
});

test("a number of queries that the data cannot hold is refused before anything is made of it", () => {
  const data = encodeMetaContextRequest({ name: "", queries: [] });
  data.fill(0xff, 4);
  expect(() => decodeMetaContextRequest(data)).toThrow("too short");
});

test.each([
  [0, 512, 1024],
  [3, 512, 1024],
  [131072, 131072, 262144],
  [1, 256, 1024],
  [1, 1000, 1024],
  [4096, 512, 4096],
  [4096, 4096, 512],
])("block sizes %d/%d/%d contradict the protocol", (minimum, preferred, maximum) => {
  const data = encodeInfo({ type: NBD_INFO_BLOCK_SIZE, minimum, preferred, maximum });
  expect(() => decodeInfo(data)).toThrow(protocolError);
});

test("decoders never do anything but decode or throw EPROTO, whatever the bytes", () => {
  const decoders = [decodeInfo, decodeInfoRequest, decodeMetaContext, decodeMetaContextRequest, decodeServerReply];
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), fc.constantFrom(...decoders), (data, decode) => {
      let code: unknown = "EPROTO";
      try {
        decode(data);
      } catch (error) {
        code = (error as BlockError).code;
      }
      expect(code).toBe("EPROTO");
    }),
    { numRuns: 2000 },
  );
});
