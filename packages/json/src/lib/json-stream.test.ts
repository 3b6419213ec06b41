import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { JsonStream, type JsonLimits } from "./json-stream.ts";
import { parseJsonText } from "./json-text.ts";
import { JsonDouble, type JsonValue } from "./json-value.ts";
import { encodeUtf8 } from "./utf8.ts";
import { formatDouble, writeJson } from "./write-json.ts";

/** What a stream makes of the bytes, cut into pieces of this size. */
function read(bytes: Uint8Array, piece = bytes.length, limits: Partial<JsonLimits> = {}): string[] {
  const found: string[] = [];
  const sink = {
    value: (value: JsonValue) => void found.push(writeJson(value)),
    error: (e: string) => void found.push(e),
  };
  const stream = new JsonStream(sink, limits);
  for (let at = 0; at < bytes.length; at += piece) stream.feed(bytes.subarray(at, at + piece));
  stream.end();
  return found;
}

const readText = (text: string, limits: Partial<JsonLimits> = {}): string[] =>
  read(encodeUtf8(text), undefined, limits);

describe("limits", () => {
  test("nesting", () => {
    expect(readText(`${"[".repeat(1024)}${"]".repeat(1024)}`)[0]).toContain("[[[");
    expect(readText("[".repeat(1025))).toEqual(["JSON nesting depth limit exceeded"]);
    expect(readText('[[[{"a":1}]]]', { nesting: 3 })[0]).toBe("JSON nesting depth limit exceeded");
  });

  test("tokens", () => {
    expect(readText("[1,2,3]", { tokens: 7 })).toEqual(["[1, 2, 3]"]);
    expect(readText("[1,2,3]", { tokens: 6 })[0]).toBe("JSON token count limit exceeded");
  });

  test("bytes, of one token and of all of them", () => {
    expect(readText('["abcdefgh"]', { bytes: 20 })).toEqual(['["abcdefgh"]']);
    expect(readText(`["${"a".repeat(30)}"]`, { bytes: 20 })[0]).toBe("JSON token size limit exceeded");
    expect(readText('["abcdefgh","abcdefgh"]', { bytes: 20 })[0]).toBe("JSON token size limit exceeded");
  });

  test("of one text are not those of the next", () => {
    expect(readText("[1,2,3]".repeat(10), { tokens: 7, bytes: 20 })).toEqual(Array(10).fill("[1, 2, 3]"));
  });
});

test("what is read does not depend on how it is cut", () => {
  const alphabet = fc.constantFrom(
    ...`{}[]:,"'\\u0aed1.-+ \n\t\u0001tnf`.split(""),
    "true",
    '{"a":',
    "é",
    "😀",
    "\\ud83d\\ude00",
  );
  const texts = fc.array(alphabet, { maxLength: 40 }).map((parts) => encodeUtf8(parts.join("")));
  const property = fc.property(texts, fc.integer({ min: 1, max: 5 }), (bytes, piece) => {
    expect(read(bytes, piece)).toEqual(read(bytes));
  });
  expect(fc.check(property, { numRuns: 3000 })).toMatchObject({ failed: false });
});

test("any bytes are read without an exception, and the stream is clean after an illegal byte", () => {
  const property = fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
    const all = new Uint8Array([...bytes, 0xff, ...encodeUtf8('{"clean":1}')]);
    expect(read(all).at(-1)).toBe('{"clean": 1}');
  });
  expect(fc.check(property, { numRuns: 3000 })).toMatchObject({ failed: false });
});

test("JSON that JavaScript writes is read as it was meant, and comes back ASCII", () => {
  const property = fc.property(fc.json(), (text) => {
    const { value, error } = parseJsonText(text);
    // QEMU refuses noncharacters, lone surrogates and repeated keys; JavaScript does not.
    if (error !== undefined) return;
    const written = writeJson(value);
    expect(JSON.parse(written)).toEqual(JSON.parse(text));
    expect(/^[\u0020-\u007e]*$/.test(written)).toBe(true);
  });
  expect(fc.check(property, { numRuns: 1000 })).toMatchObject({ failed: false });
});

test("what is wrong is shown up to a bound", () => {
  expect(readText(`[${"a".repeat(5000)}]`)).toEqual([`JSON parse error, invalid keyword '${"a".repeat(1006)}`]);
  expect(readText(`"${"a".repeat(5000)}\u0001`)[0]).toBe(`JSON parse error, stray '"${"a".repeat(1023)}'`);
});

test.each(["nul", "nulls", "trues", "fals", "falsey", "xnull"])("%s is no keyword", (word) => {
  expect(readText(`[${word}]`)).toEqual([`JSON parse error, invalid keyword '${word}'`]);
});

test("numbers are exact integers, or doubles that are marked as such", () => {
  const { value } = parseJsonText("[1, -0, 9007199254740993, 18446744073709551615, 18446744073709551616, 1.0, 1e3]");
  expect(value).toEqual([
    1,
    0,
    9007199254740993n,
    18446744073709551615n,
    new JsonDouble(2 ** 64),
    new JsonDouble(1),
    new JsonDouble(1000),
  ]);
  expect(parseJsonText("1e999").error).toBe("JSON parse error, number out of range");
});

test("doubles are written with 17 digits, as C does", () => {
  const written = [0.1, 1e3, -0, 1e20, 1.5, 1e16, 1e17, 0.0001, 0.00001, 5e-324, -1.25].map(formatDouble);
  expect(written.join(" ")).toBe(
    "0.10000000000000001 1000 -0 1e+20 1.5 10000000000000000 1e+17 0.0001 1.0000000000000001e-05 " +
      "4.9406564584124654e-324 -1.25",
  );
});

test("what cannot be written in JSON does not break it", () => {
  expect(writeJson({ a: undefined, b: Number.NaN, c: [undefined], d: "\ud800", e: 2n ** 70n })).toBe(
    '{"b": null, "c": [null], "d": "\\uFFFD", "e": 1180591620717411303424}',
  );
});

test.each(["[", "]", "{", "}", '"', "'", "\\", ",", "1", "-", "a", "A", " ", "\u0001", '{"a":', '["\\u', "[1,", "[{}"])(
  "256 KiB of %s take time linear in it",
  (unit) => {
    const bytes = encodeUtf8(unit.repeat((1 << 18) / unit.length));
    const start = performance.now();
    let found = 0;
    const stream = new JsonStream({ value: () => void found++, error: () => void found++ });
    for (let at = 0; at < bytes.length; at += 1000) stream.feed(bytes.subarray(at, at + 1000));
    stream.end();
    // A quadratic parser would take minutes; the bound is far above what the slowest machine needs.
    expect(performance.now() - start).toBeLessThan(5000);
    expect(found).toBeGreaterThanOrEqual(unit === " " ? 0 : 1);
  },
);
