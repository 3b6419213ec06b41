import { expect, test } from "vitest";
import type { Node } from "./node.ts";
import { blockdevOption } from "./option-table.ts";
import { shownFileName } from "./shown-file-name.ts";

/** A node as far as its name depends on it. */
function node(text: string, child: Node | null = null): Node {
  return { options: blockdevOption.parseValue(text), child } as unknown as Node;
}

function nameOf(text: string, child?: string): string {
  return shownFileName(node(text, child === undefined ? null : node(child)));
}

// As qemu-storage-daemon 7.2 shows them, but for what an export's name has to have escaped.
test.each([
  ["nbd,server.type=unix,server.path=n.sock", "nbd+unix://?socket=n.sock"],
  ["nbd,server.type=unix,server.path=n.sock,export=", "nbd+unix:///?socket=n.sock"],
  ["nbd,server.type=unix,server.path=n.sock,export=a b", "nbd+unix:///a%20b?socket=n.sock"],
  ["nbd,server.type=inet,server.host=h,server.port=1,export=e", "nbd://h:1/e"],
  ["nbd,server.type=inet,server.host=::1,server.port=1", "nbd://[::1]:1"],
])("%s is %s", (text, name) => {
  expect(nameOf(text)).toBe(name);
  expect(nameOf("raw,file=x", text)).toBe(name);
});

test.each(["ipv4=on", "ipv6=off", "to=5"])("no URI has a place for %s", (member) => {
  expect(nameOf(`nbd,server.type=inet,server.host=h,server.port=1,server.${member}`)).toMatch(
    /^json:\{"driver": "nbd", "server": \{"type": "inet", "host": "h", "port": "1", "/,
  );
  expect(nameOf("nbd,server.type=inet,server.host=h,server.port=1,server.keep-alive=off")).toBe("nbd://h:1");
});

test("a node with options of its own is called by all that its data depends on", () => {
  const upstream = "nbd,server.type=unix,server.path=n.sock,export=e,reconnect-delay=5";
  expect(nameOf("raw,file=x,size=512", upstream)).toBe(
    'json:{"driver": "raw", "size": 512, "file": {"driver": "nbd", "server": {"type": "unix", "path": "n.sock"}, "export": "e"}}',
  );
  expect(nameOf("rehandle,file=x,iohang-timeout=5", "file,filename=a,discard=unmap")).toBe("a");
  expect(nameOf("rehandle,file=x", "memory,size=512")).toBe(
    'json:{"driver": "rehandle", "file": {"driver": "memory", "size": 512}}',
  );
});
