import { createVirtualClock, type VirtualClock } from "@rehandle/driver-sdk";
import { describe, expect, test } from "vitest";
import { createPipe, GREETING, NEGOTIATED, PipeEnd } from "../testing/qmp-pipe.ts";
import { rehandleSchema, type RehandleSchema } from "./generated/schema.ts";
import { connectQmp, type QmpLink, type QmpLinkOptions, type QmpLinkStatus } from "./qmp-link.ts";
import { createQmpServer, type QmpHandlers, type QmpServer } from "./qmp-server.ts";
import { serveQmp } from "./qmp-stream.ts";

interface Setting {
  readonly link: QmpLink<RehandleSchema>;
  readonly clock: VirtualClock;
  /** The client's ends, the last one last. */
  readonly ends: PipeEnd[];
  readonly states: string[];
}

function setUp(options: Partial<QmpLinkOptions<RehandleSchema>> = {}): Setting {
  const clock = createVirtualClock();
  const ends: PipeEnd[] = [];
  const link = connectQmp<RehandleSchema>({
    clock,
    random: () => 0,
    connect: () => {
      const end = new PipeEnd();
      ends.push(end);
      return end;
    },
    ...options,
  });
  const states: string[] = [];
  link.onStatus((status) => void states.push(describeStatus(status)));
  return { link, clock, ends, states };
}

function describeStatus(status: QmpLinkStatus): string {
  if (status.state === "connecting") return `connecting ${status.attempt}`;
  if (status.state === "waiting") return `waiting ${status.ms} ${status.error.class} ${status.error.desc}`;
  return status.state;
}

async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

function greet(end: PipeEnd | undefined): void {
  end?.say(GREETING + NEGOTIATED);
}

/** A server of ours in memory that can be switched off and on. */
function serve(commands: QmpHandlers<RehandleSchema>): {
  server: QmpServer<RehandleSchema>;
  connect: () => PipeEnd;
  isOn: { value: boolean };
} {
  const version = { major: 7, minor: 2, micro: 0 };
  const server = createQmpServer({ schema: rehandleSchema, commands, version, clock: { realtime: () => 0 } });
  const isOn = { value: true };
  const connect = (): PipeEnd => {
    if (!isOn.value) throw new Error("connect ECONNREFUSED");
    const [ours, theirs] = createPipe();
    serveQmp(server, theirs);
    return ours;
  };
  return { server, connect, isOn };
}

describe("a link", () => {
  test("connects again after a loss, negotiates again, and its listeners and iterators hear the next server", async () => {
    const { server, connect, isOn } = serve({ "query-block": () => [] });
    const { link, clock, states } = setUp({ connect });
    const heard: string[] = [];
    link.on("BLOCK_EXPORT_DELETED", ({ data }) => void heard.push(data.id));
    const events = link.events({ names: ["BLOCK_EXPORT_DELETED"] });
    expect(await link.execute("query-block")).toEqual([]);
    server.emit("BLOCK_EXPORT_DELETED", { id: "before" });
    isOn.value = false;
    server.close();
    await settle();
    expect(link.status.state).toBe("waiting");
    clock.advance(100);
    await settle();
    isOn.value = true;
    const later = link.execute("query-block");
    clock.advance(200);
    await link.connected();
    expect(await later).toEqual([]);
    server.emit("BLOCK_EXPORT_DELETED", { id: "after" });
    expect((await events.next()).value?.data.id).toBe("before");
    expect((await events.next()).value?.data.id).toBe("after");
    expect(heard).toEqual(["before", "after"]);
    expect(states).toEqual([
      "connected",
      "waiting 100 ConnectionClosed the QMP connection is closed",
      "connecting 1",
      "waiting 200 ConnectionClosed connect ECONNREFUSED",
      "connecting 2",
      "connected",
    ]);
    link.end();
    expect((await events.next()).done).toBe(true);
    await expect(link.execute("query-block")).rejects.toMatchObject({ class: "ConnectionClosed" });
    await expect(link.connected()).rejects.toMatchObject({ class: "ConnectionClosed" });
    expect(clock.pending).toBe(0);
  });

  test("does not send a command again that may have run, and sends one that was not sent", async () => {
    const { link, clock, ends } = setUp();
    await settle();
    greet(ends[0]);
    const sent = link.execute("quit").catch((error: unknown) => error);
    ends[0]?.destroy();
    const unsent = link.execute("query-block");
    expect(await sent).toMatchObject({ class: "ConnectionLost", desc: expect.stringContaining("quit was sent") });
    clock.advance(100);
    await settle();
    greet(ends[1]);
    expect(ends[1]?.sent.map(({ execute }) => execute)).toEqual(["qmp_capabilities", "query-block"]);
    ends[1]?.say(`{"return": [], "id": ${String(ends[1].sent[1]?.id)}}`);
    expect(await unsent).toEqual([]);
    link.end();
  });

  test("waits longer after each try that fails, up to a bound, and gives up a server that says nothing", async () => {
    const { link, clock, ends, states } = setUp({
      backoff: { initialMs: 1000, maxMs: 3000, jitter: 0.5 },
      random: () => 0.5,
      negotiationMs: 5000,
    });
    await settle();
    for (let i = 0; i < 4; i++) {
      clock.advance(5000);
      await settle();
      clock.advance(3000);
      await settle();
    }
    const cause = "ConnectionClosed the QMP connection is closed: no negotiation within 5000 ms";
    expect(states.filter((state) => state.startsWith("waiting")).slice(0, 4)).toEqual(
      [750, 1500, 2250, 2250].map((ms) => `waiting ${ms} ${cause}`),
    );
    expect(ends.slice(0, 4).every((end) => end.destroyed)).toBe(true);
    link.end();
    expect(clock.pending).toBe(0);
  });

  test("tries again after something that does not speak QMP, or refuses the negotiation", async () => {
    const { link, clock, ends, states } = setUp();
    await settle();
    ends[0]?.say("HTTP/1.1 400 Bad Request\r\n");
    clock.advance(100);
    await settle();
    ends[1]?.say(`${GREETING}{"error": {"class": "GenericError", "desc": "no"}}`);
    expect(states.filter((state) => state.startsWith("waiting"))).toEqual([
      "waiting 100 ProtocolError JSON parse error, stray 'H'",
      "waiting 200 GenericError no",
    ]);
    link.end();
  });

  test("that ends while it connects lets the stream go that comes too late", async () => {
    let arrive = (_end: PipeEnd): void => {};
    const { link } = setUp({ connect: () => new Promise<PipeEnd>((resolve) => (arrive = resolve)) });
    const command = link.execute("query-block").catch((error: unknown) => error);
    link.end();
    const end = new PipeEnd();
    arrive(end);
    await settle();
    expect(end.destroyed).toBe(true);
    expect(await command).toMatchObject({ class: "ConnectionClosed" });
  });

  test("bounds the commands that wait for a server that is away", async () => {
    const { link } = setUp({ maxPending: 2 });
    const waiting = [link.execute("query-block"), link.execute("query-block")].map((command) => command.catch(() => 0));
    await expect(link.execute("query-block")).rejects.toMatchObject({ class: "TooManyCommands" });
    expect(link.pending).toBe(2);
    link.end();
    expect(await Promise.all(waiting)).toEqual([0, 0]);
    expect(link.pending).toBe(0);
  });

  test.each([{ initialMs: 0 }, { maxMs: 1 }, { jitter: 2 }])("refuses the backoff %o", (backoff) => {
    expect(() => setUp({ backoff })).toThrow(RangeError);
  });
});
