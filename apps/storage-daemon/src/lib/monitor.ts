import { createQmpServer, serveQmp, type QmpServer, type QmpVersion } from "@rehandle/qapi";
import type { QmpClock, QmpHandlers } from "@rehandle/qapi";
import type { Connection } from "./chardev.ts";
import { daemonIntrospection, daemonSchema, type DaemonSchema } from "./qmp-schema.ts";

/** Monitors at a time; more are closed at once. */
const MAX_MONITORS = 64;
/** Of one message. While it is read and answered no I/O runs, and a hostile one would come back six times as long. */
const LIMITS = { bytes: 4 * 1024 * 1024, tokens: 2 ** 17 };

/** All monitors of a daemon. */
export class Monitors {
  readonly #server: QmpServer<DaemonSchema>;
  readonly #outputs = new Set<Connection>();
  #ending = false;

  constructor(commands: QmpHandlers<DaemonSchema>, version: QmpVersion, clock: QmpClock) {
    this.#server = createQmpServer({
      schema: daemonSchema,
      introspection: daemonIntrospection,
      commands,
      version,
      clock,
      limits: LIMITS,
    });
  }

  /** How many are connected. */
  get count(): number {
    return this.#server.sessions;
  }

  /** Sends an event to all of them. */
  readonly emit: QmpServer<DaemonSchema>["emit"] = (event, data) => this.#server.emit(event, data);

  /** Serves a connection until it ends. */
  serve(connection: Connection): void {
    const { input, output } = connection;
    if (this.#ending || this.#outputs.size >= MAX_MONITORS) {
      output.destroy();
      return;
    }
    this.#outputs.add(connection);
    const closed = (): void => void this.#outputs.delete(connection);
    for (const stream of new Set([input, output])) {
      stream.on("error", closed);
      stream.on("close", closed);
    }
    // Standard output never closes.
    output.on("finish", closed);
    serveQmp(this.#server, connection);
  }

  /** Sends what waits and closes all; resolves when that is done or `ms` have passed. */
  async close(clock: { setTimer(ms: number, callback: () => void): { cancel(): void } }, ms: number): Promise<void> {
    this.#ending = true;
    const finished = [...this.#outputs].map(({ output }) => ended(output));
    this.#server.close();
    await new Promise<void>((resolve) => {
      const timer = clock.setTimer(ms, resolve);
      void Promise.all(finished).then(() => {
        timer.cancel();
        resolve();
      });
    });
  }
}

function ended(output: Connection["output"]): Promise<void> {
  if (output.destroyed || output.writableFinished) return Promise.resolve();
  return new Promise((resolve) => {
    output.once("finish", resolve);
    output.once("close", resolve);
  });
}
