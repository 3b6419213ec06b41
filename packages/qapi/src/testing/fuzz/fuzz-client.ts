import { createVirtualClock } from "@rehandle/driver-sdk";
import { parseJsonText } from "@rehandle/json";
import { rehandleSchema, type RehandleSchema } from "../../lib/generated/schema.ts";
import { isQmpError } from "../../lib/qmp-error.ts";
import { connectQmp, type QmpLink } from "../../lib/qmp-link.ts";
import { GREETING, NEGOTIATED, PipeEnd } from "../qmp-pipe.ts";
import { Dice } from "./dice.ts";
import { jsonSoup, jsonText } from "./json-soup.ts";

const EVENTS = Object.keys(rehandleSchema.events);
const WORDS = [...EVENTS, "QMP", "return", "error", "event", "data", "class", "desc", "id", "timestamp", "version"];

/** What a server may say, right or wrong. */
function speech(dice: Dice, ids: number): string {
  const kind = dice.below(9);
  if (kind === 0) return GREETING;
  if (kind === 1) return NEGOTIATED;
  if (kind === 2) return GREETING + NEGOTIATED;
  if (kind === 3) return jsonSoup(dice, WORDS);
  const id = dice.oneIn(8) ? jsonText(dice, WORDS, 1) : String(1 + dice.below(ids + 2));
  const value = jsonText(dice, WORDS, 4);
  if (kind === 4) return `{"error": {"class": "GenericError", "desc": "x"}${dice.oneIn(2) ? "" : `, "id": ${id}`}}`;
  if (kind < 7) return `{"return": ${value}, "id": ${id}}`;
  const data = dice.oneIn(2) ? '{"set": true, "id": "x", "node-name": "n"}' : value;
  return `{"event": "${dice.pick(EVENTS)}", "data": ${data}, "timestamp": ${jsonText(dice, WORDS, 2)}}\r\n`;
}

/** What became of everything that was asked for. */
interface Outcome {
  asked: number;
  settled: number;
}

/** Lets a link talk to servers that say what they like, or nothing, or go. Returns how many bytes they said. */
export async function fuzzClient(seed: number): Promise<number> {
  const dice = new Dice(seed);
  const clock = createVirtualClock();
  const ends: PipeEnd[] = [];
  const outcome: Outcome = { asked: 0, settled: 0 };
  const link = connectQmp<RehandleSchema>({
    clock,
    random: dice.random,
    maxPending: 20,
    oob: dice.oneIn(2),
    ...(dice.oneIn(2) ? { schema: rehandleSchema } : {}),
    limits: { bytes: 100_000 },
    connect: () => {
      if (dice.oneIn(5)) throw new Error("refused");
      ends.push(new PipeEnd());
      return ends.at(-1) as PipeEnd;
    },
  });
  const signal = new AbortController();
  let said = 0;
  for (let step = 0; step < 60; step++) {
    const kind = dice.below(8);
    const end = ends.at(-1);
    if (kind < 2) ask(dice, link, outcome, signal.signal);
    else if (kind === 2) listen(dice, link, signal.signal);
    else if (kind === 3) clock.advance(dice.below(2000));
    else if (kind === 4 && dice.oneIn(4)) end?.destroy();
    else if (kind === 5 && dice.oneIn(10)) signal.abort(new Error("aborted"));
    else if (end !== undefined) said += say(dice, end, outcome.asked);
    for (let turn = dice.below(4); turn > 0; turn--) await Promise.resolve();
  }
  link.end();
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
  check(ends, outcome, link.pending + clock.pending);
  return said;
}

function say(dice: Dice, end: PipeEnd, ids: number): number {
  const bytes = dice.spoil(dice.oneIn(4) && end.sent.length === 0 ? GREETING + NEGOTIATED : speech(dice, ids));
  for (const piece of dice.cut(bytes)) end.emit("data", piece);
  return bytes.length;
}

function ask(dice: Dice, link: QmpLink<RehandleSchema>, outcome: Outcome, signal: AbortSignal): void {
  const options = dice.oneIn(3) ? { signal } : {};
  const call = dice.oneIn(3)
    ? link.executeOob("rehandle-retry-now", { "node-name": "é" }, options)
    : link.execute("query-block", {}, options);
  outcome.asked++;
  const failed = (error: unknown): void => {
    if (isQmpError(error) || (error instanceof Error && error.message === "aborted")) outcome.settled++;
    else outcome.settled = Number.NaN;
  };
  void call.then(() => void outcome.settled++, failed);
}

function listen(dice: Dice, link: QmpLink<RehandleSchema>, signal: AbortSignal): void {
  const events = link.events({ limit: 1 + dice.below(5), ...(dice.oneIn(2) ? { signal } : {}) });
  const take = async (): Promise<void> => {
    let taken = 0;
    for await (const { event } of events) if (event === "SHUTDOWN" || ++taken > 5) break;
  };
  void take().catch(() => {});
  link.on("BLOCK_IO_HANG", ({ timestamp }) => void timestamp.seconds);
}

function check(ends: readonly PipeEnd[], { asked, settled }: Outcome, left: number): void {
  if (settled !== asked) throw new Error(`${settled} of ${asked} commands settled, or by a strange error`);
  if (left > 0) throw new Error("something is left");
  const sent = ends.flatMap((end) => end.sent);
  for (const text of sent) if (parseJsonText(JSON.stringify(text)).error !== undefined) throw new Error("not JSON");
  const ids = sent.map(({ id }) => id).filter((id) => id !== "rehandle-negotiation");
  if (new Set(ids).size !== ids.length) throw new Error("a command was sent twice");
  if (sent.length > asked + ends.length) throw new Error("more was sent than was asked for");
}
