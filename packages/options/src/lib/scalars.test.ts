import { describe, expect, test } from "vitest";
import { formatOptionError, isOptionError } from "./option-error.ts";
import { readSigned } from "./read-integer.ts";
import { checkId, parseBool, parseNumber, parseSize } from "./scalars.ts";

function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (isOptionError(error)) return formatOptionError(error);
    throw error;
  }
  throw new Error("accepted");
}

describe("bool", () => {
  test.each(["on", "yes", "true", "y"])("%s is true", (text) => expect(parseBool(text, "k")).toBe(true));
  test.each(["off", "no", "false", "n"])("%s is false", (text) => expect(parseBool(text, "k")).toBe(false));
  test.each(["", "On", "1", "on ", "TRUE", "constructor"])("'%s' is neither", (text) => {
    expect(messageOf(() => parseBool(text, "k"))).toBe("Parameter 'k' expects 'on' or 'off'");
  });
});

describe("number", () => {
  test.each<[string, number | bigint]>([
    ["0", 0],
    ["\t +5", 5],
    ["0x1F", 31],
    ["0X1f", 31],
    ["010", 8],
    ["00", 0],
    ["-0", 0],
    ["9007199254740991", 9007199254740991],
    ["9007199254740992", 9007199254740992n],
    ["18446744073709551615", 2n ** 64n - 1n],
    ["-1", 2n ** 64n - 1n],
    ["-18446744073709551615", 1],
    ["0x0000000000000000000000000000001", 1],
    ["01777777777777777777777", 2n ** 64n - 1n],
  ])("'%s'", (text, value) => expect(parseNumber(text, "k")).toBe(value));

  test.each(["18446744073709551616", "-18446744073709551616", "0x10000000000000000", "9".repeat(50)])(
    "'%s' is too large",
    (text) => {
      expect(messageOf(() => parseNumber(text, "k"))).toBe(`Value '${text}' is too large for parameter 'k'`);
    },
  );

  test.each(["", "5k", "1.5", "08", "0x", "5 ", "- 5", "0b101", "--5", "x"])("'%s' is none", (text) => {
    expect(messageOf(() => parseNumber(text, "k"))).toBe("Parameter 'k' expects a number");
  });

  test("signed numbers have their own bounds", () => {
    expect(readSigned("-9223372036854775808")).toBe(-(2n ** 63n));
    expect(readSigned("-9223372036854775809")).toBe("range");
    expect(readSigned("9223372036854775807")).toBe(2n ** 63n - 1n);
    expect(readSigned("9223372036854775808")).toBe("range");
  });
});

describe("size", () => {
  test.each<[string, number | bigint]>([
    ["010", 10],
    ["1.k", 1024],
    ["1.0", 1],
    ["1.0b", 1],
    ["0.1k", 102],
    ["12.345M", 12944671],
    ["0.000488k", 0],
    ["0.00048828125k", 1],
    ["0.999999999999k", 1024],
    // QEMU's double overflows here and gives 0.
    ["0.99999999999999999999k", 1024],
    ["1E", 2n ** 60n],
    ["0x1E", 30],
    ["0x10k", 16384],
    [" +5K", 5120],
    ["18446744073709551615", 2n ** 64n - 1n],
  ])("'%s'", (text, value) => expect(parseSize(text, "k")).toBe(value));

  test.each([
    "18446744073709551616",
    "16E",
    "0x10000000000000000",
    "20000000T",
    "15.9999999999999999999E",
    "9".repeat(50),
  ])("'%s' is out of range", (text) => {
    expect(messageOf(() => parseSize(text, "k"))).toBe(`Value '${text}' is out of range for parameter 'k'`);
  });

  test.each(["", ".5k", "1.5", "1.5b", "1e3", "1.5e1k", "-0", "-1", "1kb", "1KiB", "0x1.8k", "5 k", "5k "])(
    "'%s' is none",
    (text) => {
      expect(messageOf(() => parseSize(text, "k"))).toBe(
        "Parameter 'k' expects a non-negative number below 2^64\n" +
          "Optional suffix k, M, G, T, P or E means kilo-, mega-, giga-, tera-, peta-\n" +
          "and exabytes, respectively.",
      );
    },
  );
});

test("ids are ASCII identifiers", () => {
  expect(checkId("aZ0._-")).toBe("aZ0._-");
  for (const id of ["", "1x", "-x", "é", "a b", "a\n"]) {
    expect(messageOf(() => checkId(id))).toBe(
      "Parameter 'id' expects an identifier\n" +
        "Identifiers consist of letters, digits, '-', '.', '_', starting with a letter.",
    );
  }
});
