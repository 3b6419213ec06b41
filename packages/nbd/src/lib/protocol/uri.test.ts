import fc from "fast-check";
import { expect, test } from "vitest";
import { formatNbdUri, parseNbdUri, type NbdAddress } from "./uri.ts";

const inet = (host: string, port: number): NbdAddress["server"] => ({ type: "inet", host, port });
const unix = (path: string): NbdAddress["server"] => ({ type: "unix", path });

test.each<[string, NbdAddress]>([
  ["nbd://example.com", { exportName: "", tls: false, server: inet("example.com", 10809) }],
  ["nbd://example.com:1234/", { exportName: "", tls: false, server: inet("example.com", 1234) }],
  ["NBD://example.com/disk", { exportName: "disk", tls: false, server: inet("example.com", 10809) }],
  ["nbd://example.com//disk", { exportName: "/disk", tls: false, server: inet("example.com", 10809) }],
  ["nbd:///a%20b/c", { exportName: "a b/c", tls: false, server: inet("localhost", 10809) }],
  ["nbd://[::1]:99/x", { exportName: "x", tls: false, server: inet("::1", 99) }],
  ["nbds://alice@example.com/x", { exportName: "x", tls: true, username: "alice", server: inet("example.com", 10809) }],
  ["nbd+unix:///?socket=/tmp/s", { exportName: "", tls: false, server: unix("/tmp/s") }],
  ["nbd+unix:///disk?socket=/tmp/a%3fb&x=1", { exportName: "disk", tls: false, server: unix("/tmp/a?b") }],
  ["nbds+unix://bob@/disk?socket=s", { exportName: "disk", tls: true, username: "bob", server: unix("s") }],
  ["nbds://h?tls-certificates=/etc/pki", { exportName: "", tls: true, server: inet("h", 10809) }],
])("%s", (uri, address) => {
  expect(parseNbdUri(uri)).toEqual(address);
});

test.each([
  ["example.com", "is not a URI"],
  ["nbd:example.com", "is not a URI"],
  ["nbd://h/x#part", "is not a URI"],
  ["http://h/", "has the scheme http, which is none of nbd, nbds, nbd+unix and nbds+unix"],
  ["nbd+ssh://h/", "has the scheme nbd+ssh, which is none of nbd, nbds, nbd+unix and nbds+unix"],
  ["nbd://h:0/", "has the port 0, which is not from 1 to 65535"],
  ["nbd://h:65536/", "has the port 65536, which is not from 1 to 65535"],
  ["nbd://h:x/", 'has the malformed host and port "h:x"'],
  ["nbd://::1/", 'has the malformed host and port "::1"'],
  ["nbd://h/%zz", "has a malformed percent-encoding in its export name"],
  ["nbd://h/a%00b", "has a NUL character in its export name"],
  ["nbd://h/?socket=/s", "has a socket parameter, which only nbd+unix and nbds+unix take"],
  ["nbd+unix:///x", "has no socket parameter"],
  ["nbd+unix:///x?socket=", "has no socket parameter"],
  ["nbd+unix://h/x?socket=/s", "has a host, but connects to a unix socket"],
])("%s is refused", (uri, why) => {
  expect(() => parseNbdUri(uri)).toThrow(
    expect.objectContaining({ code: "EINVAL", message: `NBD URI "${uri}" ${why}` }),
  );
});

test("an address comes back from its URI", () => {
  const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }).filter((value) => !value.includes("\0"));
  const server = fc.oneof(
    text.map((path) => unix(path)),
    fc.record({
      type: fc.constant("inet" as const),
      host: fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6()),
      port: fc.integer({ min: 1, max: 65535 }),
    }),
  );
  fc.assert(
    fc.property(text, fc.boolean(), fc.option(text, { nil: undefined }), server, (exportName, tls, username, where) => {
      const address = { exportName, tls, server: where, ...(username === undefined ? {} : { username }) };
      expect(parseNbdUri(formatNbdUri(address))).toEqual(address);
    }),
  );
});
