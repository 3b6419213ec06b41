import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { NBD_CMD_DISC, NBD_CMD_READ, NBD_CMD_WRITE, NBD_REPLY_TYPE_OFFSET_DATA } from "../protocol/constants.ts";
import { encodeMetaContextRequest } from "../protocol/meta-context.ts";
import { encodeInfoRequest, encodeOption } from "../protocol/option.ts";
import { RawClient, requestBytes } from "../testing/raw-client.ts";
import { serve, type TestServer, until } from "../testing/serve.ts";

/** Runs of each property; FUZZ_RUNS makes it a soak. */
const numRuns = Number(process.env["FUZZ_RUNS"] ?? 150);
const SIZE = 1 << 16;
let s: TestServer;
let witness: RawClient;

beforeEach(async () => {
  s = await serve({ memory: { size: SIZE } });
  witness = await RawClient.open(s.path);
  await witness.ask({ type: NBD_CMD_WRITE, offset: 0, data: Buffer.from("still here") });
});

afterEach(async () => {
  witness.destroy();
  await s.stop();
});

/** Sends bytes in pieces, hangs up, and asks on another connection: the error of that, which should be 0. */
async function attack(pieces: readonly Uint8Array[], client: RawClient): Promise<number> {
  client.stream.resume();
  for (const piece of pieces) {
    client.send(piece);
    await new Promise(setImmediate);
  }
  client.stream.end();
  await until(() => s.server.connectionCount === 1);
  client.destroy();
  return (await witness.ask({ type: NBD_CMD_READ, length: 4 })).error;
}

/** Cuts bytes at any places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = places.map((place) => place % (bytes.length + 1)).toSorted((a, b) => a - b);
  return [...sorted, bytes.length].map((end, i) => bytes.subarray(i === 0 ? 0 : sorted[i - 1], end));
}

/** Damages bytes at any places. */
function damage(bytes: Buffer, hits: readonly (readonly [place: number, value: number])[]): Buffer {
  const damaged = Buffer.from(bytes);
  for (const [place, value] of hits) if (damaged.length > 0) damaged[place % damaged.length] = value;
  return damaged;
}

const places = fc.array(fc.nat(), { maxLength: 4 });
const hits = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 3 });
const optionData = fc.oneof(
  fc.uint8Array({ maxLength: 60 }),
  fc.record({ name: fc.constantFrom("", "disk", "nothing"), infos: fc.array(fc.nat(5)) }).map(encodeInfoRequest),
  fc
    .record({ name: fc.constantFrom("", "disk"), queries: fc.array(fc.constantFrom("base:allocation", "base:", "x")) })
    .map(encodeMetaContextRequest),
);
const options = fc.array(fc.tuple(fc.nat(12), optionData).map(([option, data]) => encodeOption(option, data)));

test("a handshake of whatever bytes ends, at most, its own connection", async () => {
  const scenario = fc.tuple(fc.oneof(options, fc.array(fc.uint8Array())), hits, places, fc.boolean());
  await fc.assert(
    fc.asyncProperty(scenario, async ([parts, damages, cuts, greet]) => {
      const client = await RawClient.connect(s.path);
      if (greet) await client.greet();
      expect(await attack(cut(damage(Buffer.concat(parts), damages), cuts), client)).toBe(0);
    }),
    { numRuns },
  );
});

const request = fc
  .record({
    type: fc.nat(9),
    flags: fc.oneof(fc.constant(0), fc.nat(63)),
    offset: fc.oneof(fc.nat(SIZE), fc.maxSafeNat()),
    length: fc.oneof(fc.nat(2000), fc.integer({ min: 0, max: 0xffffffff })),
  })
  // Only writes have data; one that says more than it has would wait for the rest.
  .map((fields) =>
    fields.type === NBD_CMD_WRITE ? { ...fields, data: Buffer.alloc(fields.length % 5000, 7) } : fields,
  )
  .map((fields) => ("data" in fields ? { ...fields, length: fields.data.length } : fields));

test("a transmission of whatever bytes ends, at most, its own connection", async () => {
  const scenario = fc.tuple(fc.array(request), hits, places, fc.boolean());
  await fc.assert(
    fc.asyncProperty(scenario, async ([requests, damages, cuts, context]) => {
      const client = await RawClient.open(s.path, { context });
      const bytes = damage(Buffer.concat(requests.map(requestBytes)), damages);
      expect(await attack(cut(bytes, cuts), client)).toBe(0);
    }),
    { numRuns },
  );
});

test("every request that is framed rightly is answered exactly once, whatever it asks", async () => {
  const scenario = fc.tuple(fc.array(request, { maxLength: 40 }), places, fc.boolean());
  await fc.assert(
    fc.asyncProperty(scenario, async ([drawn, cuts, structured]) => {
      const requests = drawn
        .filter(({ type }) => type !== NBD_CMD_DISC)
        .map((fields, i) => ({ ...fields, cookie: [i, ~i] as const }));
      const client = await RawClient.open(s.path, { structured });
      for (const piece of cut(Buffer.concat(requests.map(requestBytes)), cuts)) client.send(piece);
      const answered: number[] = [];
      for (let i = 0; i < requests.length; i += 1) {
        // The driver is synchronous, so the replies come in order, and a simple read's length is known.
        const asked = requests[i]!;
        const reply = await client.reply(asked.type === NBD_CMD_READ ? asked.length : 0);
        expect(reply.cookieLow).toBe(~reply.cookieHigh);
        answered.push(reply.cookieHigh);
        const dataLength = reply.type === NBD_REPLY_TYPE_OFFSET_DATA ? asked.length + 8 : reply.payload.length;
        expect(reply.payload).toHaveLength(dataLength);
      }
      expect(answered).toEqual(requests.map((_, i) => i));
      client.destroy();
      await until(() => s.server.connectionCount === 1);
    }),
    { numRuns },
  );
});
