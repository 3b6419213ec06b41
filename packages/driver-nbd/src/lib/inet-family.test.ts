import { expect, test } from "vitest";
import { inetFamily, tcpConnectOptions } from "./inet-family.ts";

// The matrix of QEMU's util/qemu-sockets.c.
test.each([
  [undefined, undefined, 0],
  [undefined, false, 4],
  [undefined, true, 6],
  [false, undefined, 6],
  [false, true, 6],
  [true, undefined, 4],
  [true, false, 4],
  [true, true, 0],
] as const)("ipv4 %s, ipv6 %s: family %i", (ipv4, ipv6, family) => {
  expect(inetFamily({ host: "x", ipv4, ipv6 })).toBe(family);
});

test("all addresses with both families are one socket of IPv6", () => {
  expect(inetFamily({ host: "", ipv4: true, ipv6: true })).toBe(6);
  expect(inetFamily({ host: "" })).toBe(0);
});

test("no family at all is refused", () => {
  const message = "Cannot disable IPv4 and IPv6 at same time";
  expect(() => inetFamily({ host: "x", ipv4: false, ipv6: false })).toThrow(new TypeError(message));
});

test.each([
  [{ host: "127.0.0.1" }, "127.0.0.1"],
  [{ host: "127.0.0.1", ipv4: true }, "127.0.0.1"],
  [{ host: "127.0.0.1", ipv4: false }, "::ffff:127.0.0.1"],
  [{ host: "::1" }, "::1"],
  [{ host: "::1", ipv6: true }, "::1"],
])("%j is dialled as %s", (address, host) => {
  expect(tcpConnectOptions({ ...address, port: 1 })).toMatchObject({ host, port: 1 });
});

test("an IPv6 address has no way over IPv4", () => {
  const options = { host: "::1", port: 1, ipv4: true };
  expect(() => tcpConnectOptions(options)).toThrow(expect.objectContaining({ code: "EAI_ADDRFAMILY" }));
});
