import { createVirtualClock, type VirtualClock } from "@rehandle/driver-sdk";
import { encodeUtf8 } from "@rehandle/json";
import { rehandleSchema, type RehandleSchema } from "../../lib/generated/schema.ts";
import { QmpError } from "../../lib/qmp-error.ts";
import { createQmpServer, type QmpHandlers, type QmpServer, type QmpSession } from "../../lib/qmp-server.ts";
import { Dice } from "./dice.ts";
import { jsonSoup, jsonText } from "./json-soup.ts";

const COMMANDS = Object.keys(rehandleSchema.commands);
const WORDS = [...COMMANDS, "execute", "exec-oob", "arguments", "id", "enable", "oob", "node-name", "held", "flat"];
const MOST_PENDING = 512 * 1024;

/** A monitor that reads, or not, as the dice say, and checks what it is sent. */
class Monitor {
  readonly session: QmpSession;
  readonly #dice: Dice;
  readonly #pauses: boolean;
  pending = 0;
  sent = 0;
  lastLine = "";
  over = false;
  #lastId = -1;

  constructor(dice: Dice, server: QmpServer<RehandleSchema>) {
    this.#dice = dice;
    this.#pauses = dice.oneIn(2);
    const close = (): void => void (this.over = true);
    this.session = server.attach({
      write: (bytes) => this.#take(Buffer.from(bytes).toString("latin1")),
      pendingBytes: () => this.pending,
      end: close,
      destroy: close,
      ...(this.#pauses ? { pause: () => {}, resume: () => {} } : {}),
    });
  }

  say(bytes: Uint8Array): void {
    this.sent += bytes.length;
    for (const piece of this.#dice.cut(bytes)) this.session.receive(piece);
  }

  drain(): void {
    this.pending = 0;
    this.session.drained();
  }

  #take(line: string): void {
    if (this.over) throw new Error("written after the end");
    if (!/^\{[ -~]*\}\r\n$/.test(line)) throw new Error(`not a line: ${line}`);
    const message = JSON.parse(line) as Record<string, unknown>;
    const kinds = ["QMP", "event", "return", "error"].filter((key) => key in message);
    if (kinds.length !== 1) throw new Error(`not a message: ${line}`);
    const { id } = message;
    if (typeof id === "string" && id.startsWith("in-band-")) this.#checkOrder(Number(id.slice(8)));
    this.lastLine = line;
    if (this.pending > 0 && this.pending + line.length > MOST_PENDING) throw new Error(`${this.pending} bytes wait`);
    this.pending += this.#dice.oneIn(3) ? line.length : 0;
  }

  #checkOrder(id: number): void {
    if (id <= this.#lastId) throw new Error(`reply ${id} after ${this.#lastId}`);
    this.#lastId = id;
  }
}

/** Handlers that are quick, slow or fail, as the dice say. */
function handlers(dice: Dice, waiting: (() => void)[]): QmpHandlers<RehandleSchema> {
  const run = (): never => {
    const kind = dice.below(4);
    if (kind === 0) throw new QmpError("no\u0000é", "DeviceNotFound");
    if (kind === 1) throw new TypeError("wrong");
    if (kind === 2) return undefined as never;
    const wait = new Promise<unknown>((resolve, reject) => {
      waiting.push(() => (dice.oneIn(3) ? reject(new Error("later")) : resolve(dice.pick([undefined, {}, [], "x"]))));
    });
    return wait as never;
  };
  return Object.fromEntries(COMMANDS.map((name) => [name, run]));
}

/** Lets a server talk to monitors that say what they like. Returns how many bytes these sent. */
export async function fuzzServer(seed: number): Promise<number> {
  const dice = new Dice(seed);
  const clock = createVirtualClock();
  const waiting: (() => void)[] = [];
  const server = createQmpServer<RehandleSchema>({
    schema: rehandleSchema,
    version: { major: 7, minor: 2, micro: 0 },
    clock,
    commands: handlers(dice, waiting),
    maxPendingBytes: MOST_PENDING,
    eventLimits: { BLOCK_IO_HANG: { key: "node-name" } },
  });
  const monitors = Array.from({ length: 1 + dice.below(3) }, () => new Monitor(dice, server));
  for (let step = 0, ids = 0; step < 40; step++) {
    const monitor = dice.pick(monitors);
    const kind = dice.below(8);
    if (kind < 5) monitor.say(request(dice, ids++));
    else if (kind === 5) emitSome(dice, server, clock);
    else if (kind === 6) monitor.drain();
    else waiting.splice(0, dice.below(4)).forEach((release) => release());
    if (dice.oneIn(3)) await Promise.resolve();
  }
  for (const monitor of monitors) await finish(monitor, waiting);
  server.close();
  if (clock.pending + server.sessions > 0) throw new Error("something is left");
  return monitors.reduce((sum, { sent }) => sum + sent, 0);
}

function request(dice: Dice, id: number): Uint8Array {
  const text = requestText(dice, id);
  // What is to be answered in its order must keep its number.
  return text.includes("in-band-") ? encodeUtf8(text) : dice.spoil(text);
}

function requestText(dice: Dice, id: number): string {
  const kind = dice.below(6);
  if (kind === 0) return jsonSoup(dice, WORDS);
  if (kind === 1) return '{"execute":"qmp_capabilities","arguments":{"enable":["oob"]}}';
  if (kind === 2) return '{"execute":"qmp_capabilities"}';
  const args = dice.oneIn(2) ? '{"node-name":"a"}' : jsonText(dice, WORDS, 3);
  const command = JSON.stringify(dice.pick(COMMANDS));
  if (kind === 3) return `{"exec-oob":${command},"arguments":${args}}`;
  return `{"execute":${command},"arguments":${args},"id":"in-band-${id}"}`;
}

function emitSome(dice: Dice, server: QmpServer<RehandleSchema>, clock: VirtualClock): void {
  const reason = "é".repeat(dice.pick([0, 10, 1000, 70_000]));
  server.emit("BLOCK_IO_HANG", { set: dice.oneIn(2), "node-name": dice.pick(["a", "b"]), reason });
  if (dice.oneIn(3)) clock.advance(dice.below(1500));
}

/** Whatever was said before: once all is done and read, an illegal byte makes the monitor answer as ever. */
async function finish(monitor: Monitor, waiting: (() => void)[]): Promise<void> {
  for (let i = 0; i < 500 && !monitor.over; i++) {
    monitor.drain();
    waiting.splice(0).forEach((release) => release());
    for (let turn = 0; turn < 4; turn++) await Promise.resolve();
    if (i === 400) monitor.say(Uint8Array.of(0xff, ...Buffer.from('{"execute":"nothing","id":"last"}')));
  }
  if (!monitor.over && !monitor.lastLine.includes('"id": "last"')) throw new Error(`stuck at ${monitor.lastLine}`);
  monitor.session.closed();
}
