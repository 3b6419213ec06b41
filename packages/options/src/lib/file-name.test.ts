import { expect, test } from "vitest";
import { parseFileName } from "./file-name.ts";
import { isOptionError } from "./option-error.ts";

test.each([
  ["disk.img", { driver: "file", filename: "disk.img" }],
  ["./a:b", { driver: "file", filename: "./a:b" }],
  ["file:/x", { driver: "file", filename: "/x" }],
  ["nbd:h:1", { driver: "nbd", "server.type": "inet", "server.host": "h", "server.port": "1" }],
  ["nbd:[::1]:1", { driver: "nbd", "server.type": "inet", "server.host": "::1", "server.port": "1" }],
  ["nbd:unix:/s", { driver: "nbd", "server.type": "unix", "server.path": "/s" }],
  ["nbd:unix:/s:exportname=a:b", { driver: "nbd", "server.type": "unix", "server.path": "/s", export: "a:b" }],
  ["nbd://h", { driver: "nbd", "server.type": "inet", "server.host": "h", "server.port": "10809" }],
  ["nbd://[::1]:5/", { driver: "nbd", "server.type": "inet", "server.host": "::1", "server.port": "5" }],
  [
    "nbd+tcp://h/a%2Fb",
    { driver: "nbd", "server.type": "inet", "server.host": "h", "server.port": "10809", export: "a/b" },
  ],
  ["nbd+unix:///e?socket=/a%20b", { driver: "nbd", "server.type": "unix", "server.path": "/a b", export: "e" }],
])("%s", (name, options) => {
  expect(Object.fromEntries(parseFileName(name).options)).toEqual(options);
});

test("json: names are flattened, numbers and bools become texts", () => {
  const name = `json:{"driver":"raw","size":65536,"a":{"b":[true,{"c":'x'}]},"file.filename":"y","d":1.5}`;
  const { isNode, options } = parseFileName(name);
  expect([isNode, ...options]).toEqual([
    true,
    ["driver", "raw"],
    ["size", "65536"],
    ["a.b.0", "on"],
    ["a.b.1.c", "x"],
    ["file.filename", "y"],
    ["d", "1.5"],
  ]);
});

test.each([
  ["zz:foo", "Unknown protocol 'zz'"],
  ["nbd+ssh://h/", "Unknown protocol 'nbd+ssh'"],
  ["nbd:", "NBD server address missing"],
  ["nbd:h:1:exportname=", "NBD server address missing"],
  ["nbd:h", "error parsing address 'h'"],
  ["nbd:h:", "error parsing address 'h:'"],
  ["nbd:[::1", "error parsing IPv6 address '[::1'"],
  ["nbd://", "No valid URL specified"],
  ["nbd://h/a?x=1", "No valid URL specified"],
  ["nbd://h:x/a", "No valid URL specified"],
  ["nbd+unix:///x", "No valid URL specified"],
  ["nbd+unix://h/x?socket=/s", "No valid URL specified"],
  ["json:", "Could not parse the JSON options: Expecting a JSON value"],
  ["json:{", "Could not parse the JSON options: JSON parse error, premature EOI"],
  ["json:{}x", "Could not parse the JSON options: Expecting at most one JSON value"],
  ["json:[]", "Invalid JSON object given"],
])("%s: %s", (name, message) => {
  let caught: unknown;
  try {
    parseFileName(name);
  } catch (error) {
    caught = error;
  }
  expect([isOptionError(caught), (caught as Error).message]).toEqual([true, message]);
});
