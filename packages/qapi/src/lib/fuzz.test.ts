import { encodeUtf8 } from "@rehandle/json";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createQmpClient } from "./qmp-client.ts";
import { createQmpServer } from "./qmp-server.ts";
import { rehandleSchema, type RehandleSchema } from "./generated/schema.ts";

const commands = Object.keys(rehandleSchema.commands);

/** Requests as they should not be: made of the right words in any order. */
const requests = fc
  .array(
    fc.oneof(
      fc.constantFrom(...commands, "execute", "exec-oob", "arguments", "id", "enable", "oob", "node-name", "__proto__"),
      fc.json({ maxDepth: 3 }),
      fc.constantFrom("{", "}", "[", "]", ":", ",", '"', "'", "\\", "\u0000", "1e9", "18446744073709551616"),
      fc.constantFrom(...commands.map((name) => `{"execute":"${name}","arguments":{"node-name":"a","held":"wait"}}`)),
      fc.constantFrom(
        ...commands.map((name) => `{"exec-oob":"${name}","arguments":{"flat":1},"id":[{"__proto__":1}]}`),
      ),
    ),
    { maxLength: 30 },
  )
  .map((parts) => parts.join(""));

test("whatever a client says, every answer is a line of JSON, and none is an exception", () => {
  const property = fc.property(requests, fc.boolean(), (text, oob) => {
    const output: string[] = [];
    const handler = (): void => {};
    const server = createQmpServer({
      schema: rehandleSchema,
      version: { major: 7, minor: 2, micro: 0 },
      clock: { realtime: () => 0 },
      commands: { "query-block": () => [], "rehandle-pause": handler, "rehandle-retry-now": handler, quit: handler },
    });
    const session = server.attach({
      write: (bytes) => void output.push(String.fromCharCode(...bytes)),
      pendingBytes: () => 0,
      end: () => {},
      destroy: () => {},
    });
    const enable = oob ? ["oob"] : [];
    session.receive(encodeUtf8(`${JSON.stringify({ execute: "qmp_capabilities", arguments: { enable } })}\n`));
    session.receive(encodeUtf8(`${text}\u0001{"execute":"query-version","id":"last"}`));
    for (const line of output) {
      expect(line).toMatch(/^[ -~]*\r\n$/);
      expect(Object.keys(JSON.parse(line) as object).length).toBeGreaterThan(0);
    }
    expect(JSON.parse(output.at(-1) ?? "")).toMatchObject({ id: "last" });
  });
  expect(fc.check(property, { numRuns: 1000 })).toMatchObject({ failed: false });
});

test("whatever a server says, the client fails with a QmpError at worst", async () => {
  const outcomes: Promise<unknown>[] = [];
  const property = fc.property(fc.oneof(requests, fc.json()), (text) => {
    const client = createQmpClient<RehandleSchema>({ write: () => {}, end: () => {} });
    client.on("BLOCK_IO_HANG", () => {});
    outcomes.push(client.execute("query-block").catch((error: Error) => error.name));
    client.receive(encodeUtf8('{"QMP":{}}{"return":{},"id":"rehandle-negotiation"}'));
    client.receive(encodeUtf8(text));
    client.closed();
  });
  expect(fc.check(property, { numRuns: 1000 })).toMatchObject({ failed: false });
  const results = new Set((await Promise.all(outcomes)).filter((result) => typeof result === "string"));
  expect([...results]).toEqual(["QmpError"]);
});
