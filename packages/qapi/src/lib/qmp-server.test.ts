import { createVirtualClock, type VirtualClock } from "@rehandle/driver-sdk";
import { encodeUtf8 } from "@rehandle/json";
import { describe, expect, test } from "vitest";
import { QmpError } from "./qmp-error.ts";
import { createQmpServer, type QmpHandlers, type QmpServer, type QmpSession } from "./qmp-server.ts";
import type { QmpTransport } from "./qmp-transport.ts";
import { rehandleIntrospection } from "./generated/introspection.ts";
import { rehandleSchema, type RehandleSchema } from "./generated/schema.ts";

const VERSION = { major: 7, minor: 2, micro: 22, package: "test" };
const GREETING = { QMP: { version: { qemu: { micro: 22, minor: 2, major: 7 }, package: "test" }, capabilities: [] } };

/** A peer that records what it is sent and takes it only when told to. */
class Monitor implements QmpTransport {
  readonly lines: string[] = [];
  pending = 0;
  paused = false;
  ended = false;
  destroyed = false;
  readonly session: QmpSession;

  constructor(server: QmpServer<RehandleSchema>) {
    this.session = server.attach(this);
  }

  get messages(): unknown[] {
    return this.lines.map((line) => JSON.parse(line) as unknown);
  }

  say(text: string): void {
    this.session.receive(encodeUtf8(text));
  }

  write(bytes: Uint8Array): void {
    this.lines.push(String.fromCharCode(...bytes));
  }

  pendingBytes(): number {
    return this.pending;
  }

  end(): void {
    this.ended = true;
  }

  destroy(): void {
    this.destroyed = true;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }
}

function serve(commands: QmpHandlers<RehandleSchema> = {}, realtime = 1_600_000_000_123.5): QmpServer<RehandleSchema> {
  const clock = { realtime: () => realtime };
  return createQmpServer({ schema: rehandleSchema, commands, version: VERSION, clock });
}

function connect(server: QmpServer<RehandleSchema>, negotiated = true): Monitor {
  const monitor = new Monitor(server);
  if (negotiated) {
    monitor.say('{"execute":"qmp_capabilities"}');
    monitor.lines.length = 0;
  }
  return monitor;
}

async function settle(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve();
}

const failure = (desc: string, errorClass = "GenericError"): unknown => ({ error: { class: errorClass, desc } });

describe("negotiation", () => {
  test("greets, and knows one command until it is over", () => {
    const monitor = connect(serve(), false);
    monitor.say('{"execute":"query-version"} {"execute":"zz"} {"execute":"qmp_capabilities","id":1}');
    const refused = failure("Expecting capabilities negotiation with 'qmp_capabilities'", "CommandNotFound");
    expect(monitor.messages).toEqual([GREETING, refused, refused, { return: {}, id: 1 }]);
    expect(monitor.lines.every((line) => line.endsWith("}\r\n"))).toBe(true);
  });

  test("happens once", () => {
    const monitor = connect(serve());
    monitor.say('{"execute":"qmp_capabilities"}');
    expect(monitor.messages).toEqual([
      failure("Capabilities negotiation is already complete, command ignored", "CommandNotFound"),
    ]);
  });

  test.each([
    ['{"enable":["oob"]}', "Capability oob not available"],
    ['{"enable":["zz"]}', "Parameter 'null' does not accept value 'zz'"],
    ['{"enable":5}', "Invalid parameter type for 'enable', expected: array"],
    ['{"x":5}', "Parameter 'x' is unexpected"],
  ])("refuses %s and stays where it is", (args, desc) => {
    const server = serve();
    const monitor = connect(server, false);
    monitor.say(`{"execute":"qmp_capabilities","arguments":${args}}`);
    server.emit("BLOCK_IO_HANG", { set: true });
    expect(monitor.messages.slice(1)).toEqual([failure(desc)]);
  });
});

describe("envelope", () => {
  test.each([
    ["[]", failure("QMP input must be a JSON object")],
    ['{"execute":1,"id":2}', { ...(failure("QMP input member 'execute' must be a string") as object), id: 2 }],
    ['{"execute":"a","exec-oob":"b"}', failure("QMP input member 'exec-oob' is unexpected")],
    ['{"arguments":1}', failure("QMP input member 'arguments' must be an object")],
    ['{"execute":"x","foo":1,"arguments":5}', failure("QMP input member 'foo' is unexpected")],
    ['{"id":5}', { ...(failure("QMP input lacks member 'execute'") as object), id: 5 }],
    ['{"execute":"zé"}', failure("The command zé has not been found", "CommandNotFound")],
    ['{"execute":"constructor"}', failure("The command constructor has not been found", "CommandNotFound")],
    ['{"execute":"query-version","arguments":{"a":1}}', failure("Parameter 'a' is unexpected")],
    ['{"execute":"x","execute":"y"}', failure("JSON parse error, duplicate key")],
  ])("%s", (text, reply) => {
    const monitor = connect(serve());
    monitor.say(text);
    expect(monitor.messages).toEqual([reply]);
  });

  test("echoes every id exactly", () => {
    const monitor = connect(serve());
    const ids = [
      "18446744073709551615",
      "-9223372036854775808",
      '"\\u0000\\u00E9"',
      "0.10000000000000001",
      "[null, {}]",
    ];
    for (const id of ids) monitor.say(`{"execute":"query-version","id":${id}}`);
    for (const [i, id] of ids.entries()) expect(monitor.lines[i]).toContain(`"id": ${id}}\r\n`);
  });
});

test("a message beyond the limits is refused, and the next one is taken", () => {
  const options = { schema: rehandleSchema, version: VERSION, clock: { realtime: () => 0 }, commands: {} };
  const monitor = connect(createQmpServer({ ...options, limits: { bytes: 100, tokens: 20 } }));
  monitor.say(`{"execute":"query-version","id":"${"x".repeat(200)}"}\u0001{"execute":"query-version","id":7}`);
  expect(monitor.messages).toContainEqual(failure("JSON token size limit exceeded"));
  expect(monitor.messages.at(-1)).toMatchObject({ id: 7, return: {} });
});

describe("commands", () => {
  test("run one at a time, in order, and other monitors do not wait", async () => {
    const release: (() => void)[] = [];
    const server = serve({
      "rehandle-pause": () => new Promise<void>((resolve) => void release.push(resolve)),
      "query-block": () => [],
    });
    const [first, second] = [connect(server), connect(server)];
    first.say('{"execute":"rehandle-pause","arguments":{"node-name":"a"},"id":1}{"execute":"query-block","id":2}');
    second.say('{"execute":"query-block","id":3}');
    await settle();
    expect(first.messages).toEqual([]);
    expect(second.messages).toEqual([{ return: [], id: 3 }]);
    release[0]?.();
    await settle();
    expect(first.messages).toEqual([
      { return: {}, id: 1 },
      { return: [], id: 2 },
    ]);
  });

  test("report what their handlers throw, now or later", async () => {
    const monitor = connect(
      serve({
        "rehandle-pause": () => {
          throw new QmpError("Device 'a' not found", "DeviceNotFound");
        },
        "rehandle-resume": () => Promise.reject(new Error("boom")),
      }),
    );
    monitor.say('{"execute":"rehandle-pause","arguments":{"node-name":"a"}}');
    monitor.say('{"execute":"rehandle-resume","arguments":{"node-name":"a"},"id":7}');
    await settle();
    expect(monitor.messages).toEqual([
      failure("Device 'a' not found", "DeviceNotFound"),
      { ...(failure("boom") as object), id: 7 },
    ]);
  });

  test("tells of the commands that there are, if it was given what to tell", () => {
    const options = { schema: rehandleSchema, version: VERSION, clock: { realtime: () => 0 } };
    const ask = (server: QmpServer<RehandleSchema>): string[] => {
      const monitor = connect(server);
      monitor.say('{"execute":"query-qmp-schema"}');
      return monitor.lines.map((line) => JSON.stringify(line));
    };
    const commands = { "query-block": () => [] };
    const [told = ""] = ask(createQmpServer({ ...options, commands, introspection: rehandleIntrospection }));
    expect(told).toContain("query-block");
    expect(told).toContain("query-qmp-schema");
    expect(told).not.toContain("rehandle-pause");
    expect(ask(createQmpServer({ ...options, commands }))[0]).toContain("CommandNotFound");
  });

  test("are listed if they have a handler", () => {
    const monitor = connect(serve({ "query-block": () => [] }));
    monitor.say('{"execute":"query-commands"}{"execute":"query-version"}');
    expect(monitor.messages).toEqual([
      { return: ["qmp_capabilities", "query-version", "query-commands", "query-block"].map((name) => ({ name })) },
      { return: GREETING.QMP.version },
    ]);
  });

  test("sent out of band overtake, if the client enabled it and the command allows it", () => {
    const server = serve({ "rehandle-pause": () => new Promise<void>(() => {}), "rehandle-retry-now": () => {} });
    const monitor = connect(server, false);
    expect(monitor.messages).toEqual([{ QMP: { ...GREETING.QMP, capabilities: ["oob"] } }]);
    monitor.say('{"execute":"qmp_capabilities","arguments":{"enable":["oob"]}}');
    monitor.lines.length = 0;
    const args = '"arguments":{"node-name":"a"}';
    monitor.say(`{"execute":"rehandle-pause",${args},"id":1}{"execute":"query-version","id":2}`);
    monitor.say(`{"exec-oob":"rehandle-retry-now",${args},"id":3}{"exec-oob":"query-version","id":4}`);
    expect(monitor.messages).toEqual([
      { return: {}, id: 3 },
      { ...(failure("The command query-version does not support OOB") as object), id: 4 },
    ]);
  });
});

describe("reading", () => {
  const pause = '{"execute":"rehandle-pause","arguments":{"node-name":"a"}}';
  const retry = '{"exec-oob":"rehandle-retry-now","arguments":{"node-name":"a"},"id":"oob"}';

  function serveSlowly(): { server: QmpServer<RehandleSchema>; release: (() => void)[] } {
    const release: (() => void)[] = [];
    const wait = (): Promise<void> => new Promise<void>((resolve) => void release.push(resolve));
    return { server: serve({ "rehandle-pause": wait, "rehandle-retry-now": () => {} }), release };
  }

  test("does not run ahead of the command that runs", async () => {
    const { server, release } = serveSlowly();
    const monitor = connect(server);
    monitor.say(`${pause}]`);
    expect(monitor.paused).toBe(true);
    monitor.say(pause);
    expect([monitor.lines.length, release.length]).toEqual([0, 1]);
    release[0]?.();
    await settle();
    expect(monitor.messages).toEqual([{ return: {} }, failure("JSON parse error, expecting value")]);
    release[1]?.();
    await settle();
    expect([monitor.lines.length, monitor.paused]).toEqual([3, false]);
  });

  test("takes what a handler brings after what came before", () => {
    const server = serve({
      "query-block": () => {
        monitor.say('"id":2}');
        return [];
      },
    });
    const monitor = connect(server);
    monitor.say('{"execute":"query-block","id":1}{"execute":"query-version",');
    expect(monitor.messages).toMatchObject([{ id: 1 }, { id: 2 }]);
  });

  test("with oob ends with eight in the queue, and goes on with seven", async () => {
    const { server, release } = serveSlowly();
    const monitor = connect(server, false);
    monitor.say('{"execute":"qmp_capabilities","arguments":{"enable":["oob"]}}');
    monitor.lines.length = 0;
    // One runs and seven wait.
    monitor.say(pause.repeat(8) + retry);
    expect([monitor.messages, monitor.paused]).toEqual([[{ return: {}, id: "oob" }], false]);
    // With the eighth that waits, one that comes out of band is not seen.
    monitor.say(pause + retry);
    expect([monitor.lines.length, monitor.paused]).toEqual([1, true]);
    release[0]?.();
    await settle();
    expect(monitor.messages).toEqual([{ return: {}, id: "oob" }, { return: {} }, { return: {}, id: "oob" }]);
    expect([release.length, monitor.paused]).toEqual([2, false]);
  });

  test("waits for a command that came out of band and takes its time", async () => {
    const release: (() => void)[] = [];
    const wait = (): Promise<void> => new Promise<void>((resolve) => void release.push(resolve));
    const monitor = connect(serve({ "rehandle-retry-now": wait }), false);
    monitor.say('{"execute":"qmp_capabilities","arguments":{"enable":["oob"]}}');
    monitor.say(retry.repeat(3));
    expect([release.length, monitor.paused]).toEqual([1, true]);
    for (let i = 0; i < 3; i++) {
      release[i]?.();
      await settle();
    }
    expect([release.length, monitor.lines.length, monitor.paused]).toEqual([3, 5, false]);
  });
});

describe("events that come too often", () => {
  const data = { device: "d", operation: "read", action: "report", reason: "x" } as const;

  function serveLimited(): { clock: VirtualClock; server: QmpServer<RehandleSchema>; monitor: Monitor } {
    const clock = createVirtualClock({ realtimeStart: 5000 });
    const server = createQmpServer({
      schema: rehandleSchema,
      commands: {},
      version: VERSION,
      clock,
      eventLimits: { BLOCK_EXPORT_DELETED: {}, BLOCK_IO_HANG: { key: "node-name", windowMs: 500 } },
    });
    return { clock, server, monitor: connect(server) };
  }

  test("are sent at once, then once in a window, the last that came; a window without any ends it", () => {
    const { clock, server, monitor } = serveLimited();
    for (const id of ["a", "b", "c"]) server.emit("BLOCK_EXPORT_DELETED", { id });
    const ids = (): unknown[] => monitor.messages.map((message) => (message as { data: { id: string } }).data.id);
    expect(ids()).toEqual(["a"]);
    clock.advance(999);
    expect(ids()).toEqual(["a"]);
    clock.advance(1);
    expect(ids()).toEqual(["a", "c"]);
    server.emit("BLOCK_EXPORT_DELETED", { id: "d" });
    clock.advance(1000);
    expect(ids()).toEqual(["a", "c", "d"]);
    clock.advance(1000);
    expect(clock.pending).toBe(0);
    server.emit("BLOCK_EXPORT_DELETED", { id: "e" });
    expect(ids()).toEqual(["a", "c", "d", "e"]);
    // Stamped when it happened, not when it was sent.
    expect(monitor.messages[1]).toMatchObject({ timestamp: { seconds: 5 } });
    server.close();
    expect(clock.pending).toBe(0);
  });

  test("are limited for each key, and others are not", () => {
    const { clock, server, monitor } = serveLimited();
    for (const node of ["a", "b", "a", "b"]) server.emit("BLOCK_IO_HANG", { set: true, "node-name": node });
    for (let i = 0; i < 3; i++) server.emit("BLOCK_IO_ERROR", data);
    const names = (): unknown[] =>
      monitor.messages.map((message) => (message as { data: { "node-name"?: string } }).data["node-name"]);
    expect(names()).toEqual(["a", "b", undefined, undefined, undefined]);
    clock.advance(500);
    expect(names().slice(5)).toEqual(["a", "b"]);
  });

  test("as QEMU limits them, if the schema has QEMU's", () => {
    const clock = createVirtualClock();
    const schema = { types: {}, commands: {}, events: { RTC_CHANGE: { data: { offset: "int" } }, STOP: {} } } as const;
    const server = createQmpServer({ schema, commands: {}, version: VERSION, clock });
    const lines: string[] = [];
    const session = server.attach({
      write: (bytes) => void lines.push(String.fromCharCode(...bytes)),
      pendingBytes: () => 0,
      end: () => {},
      destroy: () => {},
    });
    session.receive(encodeUtf8('{"execute":"qmp_capabilities"}'));
    for (const offset of [1, 2, 3]) server.emit("RTC_CHANGE", { offset });
    server.emit("STOP", {});
    server.emit("STOP", {});
    clock.advance(1000);
    const events = lines.slice(2).map((line) => JSON.parse(line) as { event: string; data?: { offset: number } });
    expect(events.map(({ event, data }) => data?.offset ?? event)).toEqual([1, "STOP", "STOP", 3]);
  });
});

describe("events", () => {
  test("come before the reply of the command that caused them, with QEMU's time stamp", () => {
    const server = serve({
      "rehandle-pause": () => server.emit("BLOCK_IO_HANG", { set: true, device: "d", outage: "1", held: 2n ** 60n }),
    });
    const monitor = connect(server);
    monitor.say('{"execute":"rehandle-pause","arguments":{"node-name":"a"}}');
    expect(monitor.lines).toEqual([
      '{"event": "BLOCK_IO_HANG", "data": {"set": true, "device": "d", "outage": "1", "held": 1152921504606846976}, ' +
        '"timestamp": {"seconds": 1600000000, "microseconds": 123500}}\r\n',
      '{"return": {}}\r\n',
    ]);
  });

  test("are stamped -1 if the clock cannot tell", () => {
    const server = serve({}, Number.NaN);
    const monitor = connect(server);
    server.emit("BLOCK_EXPORT_DELETED", { id: "x" });
    expect(monitor.messages).toMatchObject([{ timestamp: { seconds: -1, microseconds: -1 } }]);
  });
});

describe("a monitor that does not read", () => {
  test("is dropped beyond a bound, and the others get on", () => {
    const server = serve();
    const [slow, quick] = [connect(server), connect(server)];
    slow.pending = 1024 * 1024 - 100;
    server.emit("BLOCK_IO_HANG", { set: true });
    expect(slow.destroyed).toBe(true);
    expect(slow.lines).toEqual([]);
    expect(quick.lines).toHaveLength(1);
    expect(server.sessions).toBe(1);
  });

  test("has its commands wait until it reads", () => {
    const monitor = connect(serve());
    monitor.pending = 300 * 1024;
    monitor.say('{"execute":"query-version"}'.repeat(20));
    expect([monitor.lines.length, monitor.paused, monitor.destroyed]).toEqual([0, true, false]);
    monitor.pending = 0;
    monitor.session.drained();
    expect([monitor.lines.length, monitor.paused]).toEqual([20, false]);
  });

  test("and goes on sending for ever is dropped", () => {
    const server = serve({ "rehandle-pause": () => new Promise<void>(() => {}) });
    const monitor = connect(server);
    monitor.say('{"execute":"rehandle-pause","arguments":{"node-name":"a"}}');
    monitor.say("[]".repeat(2 ** 20));
    expect([monitor.paused, monitor.destroyed]).toEqual([true, false]);
    monitor.say("[]");
    expect([monitor.destroyed, server.sessions]).toEqual([true, 0]);
  });

  test("or that sends one byte after the other", () => {
    const monitor = connect(serve({ "rehandle-pause": () => new Promise<void>(() => {}) }));
    monitor.say('{"execute":"rehandle-pause","arguments":{"node-name":"a"}}');
    let bytes = 0;
    for (; bytes < 20_000 && !monitor.destroyed; bytes++) monitor.say("[");
    expect(bytes).toBeLessThan(10_000);
  });
});

test("close ends every monitor, once", () => {
  const server = serve();
  const monitor = connect(server);
  server.close();
  monitor.session.closed();
  monitor.say('{"execute":"query-version"}');
  expect([monitor.ended, server.sessions, monitor.lines.length]).toEqual([true, 0, 0]);
});

test("what a peer said before it ended its side is answered, then the session ends", async () => {
  let finish = (): void => {};
  const server = serve({
    "query-block": () => new Promise((resolve) => (finish = () => resolve([]))),
    "query-block-exports": () => [],
  });
  const monitor = new Monitor(server);
  monitor.say('{"execute":"qmp_capabilities"}{"execute":"query-block","id":1}{"execute":"query-block-exports","id":2}');
  monitor.session.inputEnded();
  expect(monitor.ended).toBe(false);
  finish();
  await new Promise((resolve) => setTimeout(resolve));
  expect(monitor.messages.slice(2)).toEqual([
    { return: [], id: 1 },
    { return: [], id: 2 },
  ]);
  expect(monitor.ended).toBe(true);
  expect(server.sessions).toBe(0);
  const idle = new Monitor(server);
  idle.session.inputEnded();
  expect(idle.ended).toBe(true);
});
