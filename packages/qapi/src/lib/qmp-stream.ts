import type { QmpClientOptions } from "./caller.ts";
import { createQmpClient, type QmpClient } from "./qmp-client.ts";
import type { QmpServer, QmpSession } from "./qmp-server.ts";
import type { Schema } from "./schema.ts";

/** What bytes come from. A Readable of Node is one. */
export interface QmpReadable {
  /** Bytes came. */
  on(event: "data", listener: (bytes: Uint8Array) => void): unknown;
  /** No more come, or all is over. */
  on(event: "end" | "close", listener: () => void): unknown;
  /** Something went wrong. */
  on(event: "error", listener: (error: Error) => void): unknown;
  /** Gives no more bytes until `resume`. */
  pause(): unknown;
  /** Gives bytes again. */
  resume(): unknown;
  /** Ends it at once. */
  destroy(): unknown;
}

/** Where bytes go to. A Writable of Node is one. */
export interface QmpWritable {
  /** Sends bytes, or keeps them until the peer takes them. */
  write(bytes: Uint8Array): unknown;
  /** Sends what is kept, then the end. */
  end(): unknown;
  /** Ends it at once. */
  destroy(): unknown;
  /** Bytes that were written and that the peer has not yet taken. */
  readonly writableLength: number;
  /** The peer took what was kept, or all is over. */
  on(event: "drain" | "close", listener: () => void): unknown;
  /** Something went wrong. */
  on(event: "error", listener: (error: Error) => void): unknown;
}

/** Both ways of a connection: a socket, or two streams, such as `{ input: child.stdout, output: child.stdin }`. */
export type QmpStream = (QmpReadable & QmpWritable) | { readonly input: QmpReadable; readonly output: QmpWritable };

/** What both ways of a stream have. */
interface StreamSide {
  on(event: "close", listener: () => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
}

/** What hears of a stream. */
export interface StreamEnd {
  receive(bytes: Uint8Array): void;
  drained(): void;
  closed(cause?: string): void;
  /** What came is to be answered before the end. Without it the end of the input is the end of all. */
  inputEnded?(): void;
}

/** A client on a stream, which may still be connecting. */
export function openQmpClient<S extends Schema>(stream: QmpStream, options?: QmpClientOptions<S>): QmpClient<S> {
  const client = createQmpClient<S>(streamTransport(stream), options);
  listen(stream, client);
  return client;
}

/**
 * Serves a stream until it ends. What a peer sent before it ended its side is answered, for which a socket's listener needs
 * `allowHalfOpen`.
 */
export function serveQmp<S extends Schema>(server: QmpServer<S>, stream: QmpStream): QmpSession {
  const session = server.attach(streamTransport(stream));
  listen(stream, session);
  return session;
}

/** The calls of both a client's and a server's transport. */
export interface StreamTransport {
  write(bytes: Uint8Array): void;
  pendingBytes(): number;
  end(): void;
  destroy(): void;
  pause(): void;
  resume(): void;
}

/** How bytes get out of a stream. */
export function streamTransport(stream: QmpStream): StreamTransport {
  const { input, output } = bothWays(stream);
  return {
    write: (bytes) => void output.write(bytes),
    pendingBytes: () => output.writableLength,
    end: () => void output.end(),
    destroy: () => {
      output.destroy();
      input.destroy();
    },
    pause: () => void input.pause(),
    resume: () => void input.resume(),
  };
}

/** Tells `end` what comes out of a stream, and of its end with the error that it ended by, if any. */
export function listen(stream: QmpStream, end: StreamEnd): void {
  const { input, output } = bothWays(stream);
  let cause: string | undefined;
  const closed = (): void => end.closed(cause);
  const failed = (error: Error): void => {
    cause ??= error.message;
    closed();
  };
  input.on("data", (bytes) => end.receive(bytes));
  output.on("drain", () => end.drained());
  for (const side of new Set<StreamSide>([input, output])) {
    side.on("error", failed);
    side.on("close", closed);
  }
  input.on("end", () => {
    if (end.inputEnded !== undefined) return end.inputEnded();
    closed();
    output.end();
  });
}

function bothWays(stream: QmpStream): { readonly input: QmpReadable; readonly output: QmpWritable } {
  return "input" in stream ? stream : { input: stream, output: stream };
}
