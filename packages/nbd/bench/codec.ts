/**
 * What the NBD codec costs: ns of CPU time and bytes of heap for each header that is read or written, in batches of 32 as one
 * socket read brings them. Run: node --expose-gc --conditions=@rehandle/source packages/nbd/bench/codec.ts
 */
import {
  CHUNK_HEADER_LENGTH,
  createReplyHeader,
  createRequestHeader,
  EXTENDED_CHUNK_HEADER_LENGTH,
  EXTENDED_REQUEST_HEADER_LENGTH,
  NBD_CMD_READ,
  NBD_REPLY_FLAG_DONE,
  NBD_REPLY_TYPE_OFFSET_DATA,
  readExtendedRequestHeader,
  readReplyHeader,
  readRequestHeader,
  REQUEST_HEADER_LENGTH,
  SIMPLE_REPLY_LENGTH,
  writeChunkHeader,
  writeExtendedChunkHeader,
  writeExtendedRequestHeader,
  writeRequestHeader,
  writeSimpleReply,
} from "../src/protocol/index.ts";

const BATCH = 32;
const BATCHES = 60_000;
const ROUNDS = 7;
/** Few enough for no collection to come between. */
const HEAP_BATCHES = 1000;

interface Subject {
  readonly name: string;
  /** Reads or writes one batch. */
  readonly run: () => void;
}

const requests = new Uint8Array(BATCH * REQUEST_HEADER_LENGTH);
const extendedRequests = new Uint8Array(BATCH * EXTENDED_REQUEST_HEADER_LENGTH);
const replies = new Uint8Array(BATCH * SIMPLE_REPLY_LENGTH);
const chunks = new Uint8Array(BATCH * CHUNK_HEADER_LENGTH);
const extendedChunks = new Uint8Array(BATCH * EXTENDED_CHUNK_HEADER_LENGTH);
const request = createRequestHeader();
const reply = createReplyHeader();
/** What was read, so that nothing is optimised away; in an array of numbers, because a variable would get a new object each time. */
const sum = new Float64Array(1);

/** Offsets from 0 to 64 GiB, so that both halves matter. */
function offsetOf(at: number): number {
  return at * 2_147_487_744;
}

function writeRequests(): void {
  let end = 0;
  for (let at = 0; at < BATCH; at += 1) {
    end = writeRequestHeader(requests, end, 0, NBD_CMD_READ, 1, at, offsetOf(at), 4096);
  }
}

function writeExtendedRequests(): void {
  let end = 0;
  for (let at = 0; at < BATCH; at += 1) {
    end = writeExtendedRequestHeader(extendedRequests, end, 0, NBD_CMD_READ, 1, at, offsetOf(at), 4096);
  }
}

function readRequests(): void {
  for (let at = 0; at < requests.length; at += REQUEST_HEADER_LENGTH) {
    if (!readRequestHeader(requests, at, request)) throw new Error("no request");
    sum[0]! += request.offset + request.length + request.cookieLow;
  }
}

function readExtendedRequests(): void {
  for (let at = 0; at < extendedRequests.length; at += EXTENDED_REQUEST_HEADER_LENGTH) {
    if (!readExtendedRequestHeader(extendedRequests, at, request)) throw new Error("no request");
    sum[0]! += request.offset + request.length + request.cookieLow;
  }
}

function writeReplies(): void {
  let end = 0;
  for (let at = 0; at < BATCH; at += 1) end = writeSimpleReply(replies, end, 0, 1, at);
}

function writeChunks(): void {
  let end = 0;
  for (let at = 0; at < BATCH; at += 1) {
    end = writeChunkHeader(chunks, end, NBD_REPLY_FLAG_DONE, NBD_REPLY_TYPE_OFFSET_DATA, 1, at, 4104);
  }
}

function writeExtendedChunks(): void {
  const [flags, type] = [NBD_REPLY_FLAG_DONE, NBD_REPLY_TYPE_OFFSET_DATA];
  let end = 0;
  for (let at = 0; at < BATCH; at += 1) {
    end = writeExtendedChunkHeader(extendedChunks, end, flags, type, 1, at, offsetOf(at), 4104);
  }
}

function readReplies(source: Uint8Array): void {
  for (let at = 0; at < source.length;) {
    const length = readReplyHeader(source, at, source.length, reply);
    if (length === 0) throw new Error("no reply");
    sum[0]! += reply.cookieLow + reply.length;
    at += length;
  }
}

const subjects: readonly Subject[] = [
  { name: "request written", run: writeRequests },
  { name: "request read", run: readRequests },
  { name: "extended request written", run: writeExtendedRequests },
  { name: "extended request read", run: readExtendedRequests },
  { name: "simple reply written", run: writeReplies },
  { name: "simple reply read", run: () => readReplies(replies) },
  { name: "structured chunk written", run: writeChunks },
  { name: "structured chunk read", run: () => readReplies(chunks) },
  { name: "extended chunk written", run: writeExtendedChunks },
  { name: "extended chunk read", run: () => readReplies(extendedChunks) },
];

/** ns for one header. */
function cpuTime({ run }: Subject): number {
  const start = process.cpuUsage();
  for (let batch = 0; batch < BATCHES; batch += 1) run();
  const { user, system } = process.cpuUsage(start);
  return ((user + system) * 1000) / (BATCHES * BATCH);
}

/** Bytes of heap for one header. */
function heap({ run }: Subject): number {
  const { gc } = globalThis as { gc?: () => void };
  gc?.();
  const before = process.memoryUsage().heapUsed;
  for (let batch = 0; batch < HEAP_BATCHES; batch += 1) run();
  return Math.max(0, process.memoryUsage().heapUsed - before) / (HEAP_BATCHES * BATCH);
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

const results = subjects.map(() => ({ ns: [] as number[], bytes: [] as number[] }));
for (let round = 0; round <= ROUNDS; round += 1) {
  for (const [at, subject] of subjects.entries()) {
    const [ns, bytes] = [cpuTime(subject), heap(subject)];
    // The first round warms up.
    if (round === 0) continue;
    results[at]!.ns.push(ns);
    results[at]!.bytes.push(bytes);
  }
}
if (!Number.isFinite(sum[0])) throw new Error("unreachable");
console.log(`headers in batches of ${BATCH}, median of ${ROUNDS} rounds in turns`);
for (const [at, { name }] of subjects.entries()) {
  const { ns, bytes } = results[at]!;
  console.log(
    `${name.padEnd(42)} ${median(ns).toFixed(1).padStart(7)} ns  ${median(bytes).toFixed(2).padStart(8)} bytes of heap`,
  );
}
