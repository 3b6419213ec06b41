import { nearestHint } from "@rehandle/options";
import { createInterface } from "node:readline";
import type { CommandLine } from "./command-line.ts";
import { ExitCode } from "./exit-code.ts";
import { Peer } from "./peer.ts";
import type { PeerEvent } from "./peer-client.ts";
import type { Presenter } from "./presenter.ts";
import { printable } from "./printable.ts";
import { Session, type Output } from "./session.ts";
import type { Palette } from "./palette.ts";
import { splitWords } from "./split-words.ts";
import { ConnectionError, UsageError } from "./usage-error.ts";
import { within } from "./within.ts";

/** What a run without a terminal stands on. */
export interface BatchOptions {
  readonly commandLine: CommandLine;
  readonly input: NodeJS.ReadableStream;
  readonly output: Output;
  readonly palette: Palette;
  readonly presenter: Presenter;
  readonly columns: number;
}

/** Runs the command of the command line, or those of standard input, and waits for the event that was asked for. */
export async function runBatch(options: BatchOptions): Promise<ExitCode> {
  return new Batch(options).run();
}

class Batch {
  readonly #options: BatchOptions;
  readonly #peer: Peer;
  readonly #session: Session;
  readonly #isOneCommand: boolean;
  readonly #lost = new AbortController();
  #awaited: (event: PeerEvent) => void = () => undefined;

  constructor(options: BatchOptions) {
    this.#options = options;
    const { commandLine, output, palette, presenter, columns } = options;
    this.#isOneCommand = commandLine.words.length > 0 || commandLine.waitEvent !== undefined;
    this.#peer = new Peer(commandLine.address, {
      event: (event) => this.#event(event),
      lost: (reason) => this.#lost.abort(new ConnectionError(`the connection is lost: ${printable(reason)}`)),
      notice: (text) => output.complain(printable(text)),
    });
    const json = commandLine.json;
    const now = (): number => Date.now();
    this.#session = new Session({ peer: this.#peer, output, presenter, palette, columns: () => columns, json, now });
  }

  async run(): Promise<ExitCode> {
    const { timeout } = this.#options.commandLine;
    const signal = timeout === undefined ? undefined : AbortSignal.timeout(timeout);
    try {
      await within(this.#peer.connect(), signal, new ConnectionError("no greeting in time"));
      return this.#isOneCommand ? await this.#one(signal) : await this.#lines();
    } catch (error) {
      this.#options.output.complain(this.#options.presenter.failure(error));
      if (error instanceof UsageError) return ExitCode.Usage;
      return error instanceof ConnectionError ? ExitCode.ConnectionFailed : ExitCode.CommandFailed;
    } finally {
      this.#peer.close();
    }
  }

  async #one(signal: AbortSignal | undefined): Promise<ExitCode> {
    const { words, waitEvent } = this.#options.commandLine;
    if (waitEvent !== undefined) await this.#expectKnown(waitEvent);
    const event = waitEvent === undefined ? undefined : this.#next(waitEvent);
    if (words.length > 0) {
      const code = await this.#session.run(words, signal);
      if (code !== ExitCode.Success) return code;
    }
    if (event !== undefined) {
      const late = new Error(`no event ${printable(waitEvent ?? "")} in time`);
      const lost = within(event, this.#lost.signal);
      this.#options.output.print(this.#options.presenter.event(await within(lost, signal, late)));
    }
    return ExitCode.Success;
  }

  /** What is misspelt would be waited for for ever. */
  async #expectKnown(name: string): Promise<void> {
    const { events } = await this.#peer.schema();
    if (events.size > 0 && !events.has(name)) {
      throw new UsageError(`the peer has no event ${name}`, nearestHint(name, events.keys()));
    }
  }

  #next(name: string): Promise<PeerEvent> {
    return new Promise((resolve) => {
      this.#awaited = (event) => {
        if (event.event === name) resolve(event);
      };
    });
  }

  #event(event: PeerEvent): void {
    this.#awaited(event);
    const { output, presenter } = this.#options;
    if (!this.#isOneCommand && this.#session.showEvents) output.print(presenter.event(event));
  }

  /**
   * One command a line, or more lines if a bracket is open; a line that begins with # is a remark. The exit code is the first
   * that is not 0.
   */
  async #lines(): Promise<ExitCode> {
    let code: ExitCode = ExitCode.Success;
    let text = "";
    let number = 0;
    for await (const line of createInterface({ input: this.#options.input, crlfDelay: Infinity })) {
      number += 1;
      if (text === "") this.#session.place = `line ${number}: `;
      if (text === "" && line.trimStart().startsWith("#")) continue;
      text += `${line} `;
      const { words, isUnfinished } = splitWords(text);
      if (isUnfinished) continue;
      text = "";
      const next = await this.#session.run(words.map((word) => word.text));
      if (code === ExitCode.Success) code = next;
      if (this.#session.isOver || next === ExitCode.ConnectionFailed) break;
    }
    if (text.trim() !== "") throw new UsageError("the last line has an open quote or bracket");
    return code;
  }
}
