import { expect, test } from "vitest";
import { schemaFromIntrospection } from "../testing/introspected-schema.ts";
import { GREETING, NEGOTIATED, PipeEnd } from "../testing/qmp-pipe.ts";
import { schemaOf } from "../testing/schema-files.ts";
import { introspectSchema } from "./schema-language/introspect-schema.ts";
import { openQmpClient } from "./qmp-stream.ts";

/** The two events as the RFC of September 2020 has them. */
const RFC = `
{ 'event': 'BLOCK_IO_HANG', 'data': { 'set': 'bool' } }
{ 'event': 'BLOCK_IO_HANG_TIMEOUT', 'data': { 'set': 'bool' } }
`;

test("a reader of the RFC's schema understands the events of I/O hang, which carry more", async () => {
  const schema = schemaFromIntrospection(introspectSchema(schemaOf(RFC)));
  const end = new PipeEnd();
  const client = openQmpClient(end, { schema });
  end.say(GREETING + NEGOTIATED);
  const events = client.events();
  const more = '"device": "", "node-name": "r0", "outage": "r0-1", "since": 1, "held": 3, "reason": "EIO"';
  end.say(`{"event": "BLOCK_IO_HANG", "data": {"set": true, ${more}}}`);
  end.say(`{"event": "BLOCK_IO_HANG_TIMEOUT", "data": {"set": false, ${more}}}`);
  expect((await events.next()).value).toMatchObject({ event: "BLOCK_IO_HANG", data: { set: true } });
  const { value } = await events.next();
  expect(Object.keys((value as { data: object }).data)).toEqual(["set"]);
  expect(client.strayEvents).toBe(0);
});
