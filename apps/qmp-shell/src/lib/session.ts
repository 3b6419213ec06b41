import type { JsonObject, JsonValue } from "@rehandle/json";
import { nearestHint } from "@rehandle/options";
import { isQmpError } from "@rehandle/qapi";
import { readArgumentTree } from "./argument-tree.ts";
import { ExitCode } from "./exit-code.ts";
import { formatHelp, formatTopic } from "./help.ts";
import type { Palette } from "./palette.ts";
import type { Peer } from "./peer.ts";
import type { PeerCommand } from "./peer-schema.ts";
import type { Presenter } from "./presenter.ts";
import { printable } from "./printable.ts";
import { readStatements, type Statement } from "./statement.ts";
import { formatTable } from "./table.ts";
import { typeArguments } from "./type-arguments.ts";
import { ConnectionError, UsageError } from "./usage-error.ts";
import { VIEWS, viewRows } from "./views.ts";
import { within } from "./within.ts";

/** Where a session's texts go. */
export interface Output {
  /** Results and events. */
  print(text: string): void;
  /** What went wrong. */
  complain(text: string): void;
}

/** What a {@link Session} works with. */
export interface SessionOptions {
  readonly peer: Peer;
  readonly output: Output;
  readonly presenter: Presenter;
  readonly palette: Palette;
  /** The width of the terminal. */
  readonly columns: () => number;
  /** Failures are results, too, as they are on the wire. */
  readonly json: boolean;
  /** ms since 1970. */
  readonly now: () => number;
}

/** Classes of errors that tell of a connection that is gone. */
const LOST: ReadonlySet<string> = new Set(["ConnectionClosed", "ConnectionLost"]);

/** Carries out what lines want done, one after another. */
export class Session {
  /** Whether events are to be shown. */
  showEvents = true;
  /** The line `exit` was read. */
  isOver = false;
  /** Where the present line stands, before what went wrong in it. */
  place = "";
  readonly #options: SessionOptions;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** Does what the words of a line want, and says what came of it. Never throws. */
  async run(words: readonly string[], signal?: AbortSignal): Promise<ExitCode> {
    let id: JsonValue | undefined;
    let name = "";
    try {
      for (const statement of readStatements(words)) {
        id = statement.kind === "message" ? statement.id : undefined;
        name = statement.name;
        await this.#run(statement, signal);
      }
      return ExitCode.Success;
    } catch (error) {
      return this.#fail(error, id, await this.#hints(error, name, signal));
    }
  }

  async #run(statement: Statement, signal: AbortSignal | undefined): Promise<void> {
    if (statement.kind === "local") return this.#local(statement.name, statement.words, signal);
    const args = statement.kind === "message" ? statement.args : await this.#arguments(statement.name, statement.words);
    const value = await this.#execute(statement.name, args, statement.oob, signal);
    const { output, presenter } = this.#options;
    output.print(presenter.reply(value, statement.kind === "message" ? statement.id : undefined));
  }

  async #execute(name: string, args: JsonObject, oob: boolean, signal: AbortSignal | undefined): Promise<unknown> {
    try {
      return await this.#options.peer.execute(name, args, { oob, signal });
    } catch (error) {
      if (!isQmpError(error) || !LOST.has(error.class)) throw error;
      const what = `the connection was lost before ${name} was answered; it may have been carried out or not`;
      throw new ConnectionError(what, { cause: error });
    }
  }

  /** The arguments as the peer's schema wants them. @throws UsageError in QEMU's words */
  async #arguments(name: string, words: readonly string[]): Promise<JsonObject> {
    const members = readArgumentTree(words);
    const schema = await this.#options.peer.schema();
    const unknown: PeerCommand = { name, allowOob: true, features: [] };
    return typeArguments(schema, schema.commands.get(name) ?? unknown, members);
  }

  async #local(
    name: Extract<Statement, { kind: "local" }>["name"],
    words: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (name === "help") return this.#help(words);
    if (name === "info") return this.#info(words, signal);
    if (name === "events") return this.#events(words);
    if (words.length > 0) throw new UsageError(`${name} takes no arguments`);
    if (name === "exit") this.isOver = true;
    else await this.#reconnect(signal);
  }

  async #reconnect(signal: AbortSignal | undefined): Promise<void> {
    const { peer, output, palette } = this.#options;
    try {
      await within(peer.connect(), signal);
    } finally {
      if (signal?.aborted === true) peer.close();
    }
    output.print(palette.dim("connected again"));
  }

  async #help([topic, ...words]: readonly string[]): Promise<void> {
    const { peer, output, palette, columns } = this.#options;
    const given = readArgumentTree(words);
    const schema = await peer.schema();
    output.print(
      topic === undefined ? formatHelp(schema, palette, columns()) : formatTopic(schema, topic, given, palette),
    );
  }

  async #info(words: readonly string[], signal: AbortSignal | undefined): Promise<void> {
    const { peer, output, presenter, palette, json, now } = this.#options;
    const view = VIEWS.find(({ name }) => name === words[0]);
    if (view === undefined || words.length > 1) {
      throw new UsageError(`info needs one of: ${VIEWS.map(({ name }) => name).join(", ")}`);
    }
    const schema = await peer.schema();
    const type = schema.types.get(schema.commands.get(view.command)?.argumentType ?? "");
    const known = new Set(type?.kind === "object" ? type.members.map(({ name }) => name) : []);
    const args = Object.fromEntries(Object.entries(view.args).filter(([key]) => known.has(key)));
    const reply = await this.#execute(view.command, args, false, signal);
    if (json) return output.print(presenter.reply(reply));
    const rows = viewRows(view, reply, now());
    const heading = view.columns.map(([text]) => text);
    output.print(rows.length === 0 ? view.none : formatTable(heading, rows, palette));
  }

  #events(words: readonly string[]): void {
    const [word] = words;
    if (words.length !== 1 || (word !== "on" && word !== "off")) throw new UsageError("events needs on or off");
    this.showEvents = word === "on";
  }

  /** Which command was perhaps meant by one that the peer does not have. */
  async #hints(error: unknown, name: string, signal: AbortSignal | undefined): Promise<readonly string[]> {
    const { peer, json } = this.#options;
    if (json || !isQmpError(error) || error.class !== "CommandNotFound") return [];
    // A peer that tells no commands, or is gone by now, has told what is wrong.
    return within(peer.schema(), signal).then(
      ({ commands }) => nearestHint(name, commands.keys()).map(printable),
      () => [],
    );
  }

  #fail(error: unknown, id: JsonValue | undefined, hints: readonly string[]): ExitCode {
    const { output, presenter, json } = this.#options;
    const text = presenter.failure(error, id);
    if (json && isQmpError(error) && !isConnectionFailure(error)) output.print(text);
    else output.complain([`${this.place}${text}`, ...hints].join("\n"));
    if (error instanceof UsageError) return ExitCode.Usage;
    return isConnectionFailure(error) ? ExitCode.ConnectionFailed : ExitCode.CommandFailed;
  }
}

/** True if an error means that the connection is of no use any more. */
function isConnectionFailure(error: unknown): boolean {
  if (error instanceof ConnectionError) return true;
  return isQmpError(error) && (LOST.has(error.class) || error.class === "ProtocolError");
}
