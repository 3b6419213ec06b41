import type { ReadStream, WriteStream } from "node:tty";
import { addressText } from "./address.ts";
import type { CommandLine } from "./command-line.ts";
import { completeLine } from "./completion.ts";
import { ExitCode } from "./exit-code.ts";
import { fieldsOf, fieldText } from "./fields.ts";
import { History, historyFile } from "./history.ts";
import type { Palette } from "./palette.ts";
import { Peer } from "./peer.ts";
import { createNameLookup } from "./peer-names.ts";
import type { Presenter } from "./presenter.ts";
import { printable } from "./printable.ts";
import { Session } from "./session.ts";
import { splitWords } from "./split-words.ts";
import { Terminal } from "./terminal.ts";

/** What the interactive shell stands on. */
export interface InteractiveOptions {
  readonly commandLine: CommandLine;
  readonly input: ReadStream;
  readonly output: WriteStream;
  readonly env: NodeJS.ProcessEnv;
  readonly palette: Palette;
  readonly presenter: Presenter;
}

/** First and longest wait between two tries to connect again, ms. */
const FIRST_WAIT = 500;
const LONGEST_WAIT = 5000;

const PROMPT = "(QMP) ";
const APART_PROMPT = "(not connected) ";
const CONTINUATION_PROMPT = "... ";

/** The shell at a terminal. Resolves when the user ends it. */
export async function runInteractive(options: InteractiveOptions): Promise<ExitCode> {
  const shell = new InteractiveShell(options);
  return shell.run();
}

class InteractiveShell {
  readonly #options: InteractiveOptions;
  readonly #peer: Peer;
  readonly #session: Session;
  readonly #history: History;
  /** Lines that were typed while a command ran. */
  readonly #lines: string[] = [];
  /** The beginning of something that goes on in the next line. */
  #unfinished = "";
  #running: AbortController | undefined;
  #terminal: Terminal | undefined;
  #retry: NodeJS.Timeout | undefined;
  #end: () => void = () => undefined;

  constructor(options: InteractiveOptions) {
    this.#options = options;
    const { commandLine, output, env, palette, presenter } = options;
    this.#peer = new Peer(commandLine.address, {
      event: (event) => {
        if (this.#session.showEvents) this.#print(presenter.event(event));
      },
      lost: (reason) => this.#lost(reason),
      notice: (text) => this.#print(palette.dim(printable(text))),
    });
    this.#session = new Session({
      peer: this.#peer,
      output: { print: (text) => this.#print(text), complain: (text) => this.#print(text) },
      presenter,
      palette,
      columns: () => output.columns,
      json: commandLine.json,
      now: () => Date.now(),
    });
    const path = commandLine.history ?? historyFile(env);
    this.#history = new History(path, (text) => this.#print(palette.dim(printable(text))));
  }

  async run(): Promise<ExitCode> {
    await this.#peer.connect();
    const ended = new Promise<void>((resolve) => (this.#end = resolve));
    const { input, output } = this.#options;
    const history = this.#history.load();
    this.#print(this.#banner());
    // The first TAB shall not wait for it.
    void this.#peer.schema();
    this.#terminal = new Terminal(
      { input, output, history, complete: (line) => this.#complete(line) },
      { line: (line) => this.#line(line), interrupt: (hadText) => this.#interrupt(hadText), end: () => this.#end() },
    );
    this.#showPrompt();
    await ended;
    this.#close();
    return ExitCode.Success;
  }

  #close(): void {
    this.#end = () => undefined;
    clearTimeout(this.#retry);
    this.#running?.abort(new Error("the shell ends"));
    const terminal = this.#terminal;
    this.#terminal = undefined;
    terminal?.close();
    this.#options.output.write("\n");
    this.#peer.close();
  }

  #banner(): string {
    const version = fieldsOf(this.#peer.greeting?.version);
    const qemu = fieldsOf(version?.["qemu"]);
    const numbers = ["major", "minor", "micro"].map((name) => fieldText(qemu, name)).join(".");
    const peer = [`QEMU ${numbers}`, fieldText(version, "package")].filter((part) => part !== "").join(", ");
    return `Connected to ${printable(addressText(this.#options.commandLine.address))}: ${printable(peer)}
help lists the commands, TAB completes, Ctrl-D ends.`;
  }

  #print(text: string): void {
    if (this.#terminal === undefined) this.#options.output.write(`${text}\n`);
    else this.#terminal.print(text);
  }

  #showPrompt(): void {
    const text = this.#unfinished !== "" ? CONTINUATION_PROMPT : this.#peer.isConnected ? PROMPT : APART_PROMPT;
    this.#terminal?.prompt(this.#running === undefined ? text : "");
  }

  #line(line: string): void {
    this.#lines.push(line);
    if (this.#running === undefined) void this.#work();
  }

  /** Carries out the lines that are there. */
  async #work(): Promise<void> {
    for (let line = this.#lines.shift(); line !== undefined; line = this.#lines.shift()) {
      const text = this.#unfinished === "" ? line : `${this.#unfinished}\n${line}`;
      const { words, isUnfinished } = splitWords(text.replaceAll("\n", " "));
      this.#unfinished = isUnfinished ? text : "";
      if (isUnfinished || words.length === 0) continue;
      this.#history.add(text.replaceAll(/\s*\n\s*/g, " "));
      await this.#run(words.map((word) => word.text));
    }
    if (this.#session.isOver) this.#end();
    else this.#showPrompt();
  }

  async #run(words: readonly string[]): Promise<void> {
    const controller = new AbortController();
    this.#running = controller;
    this.#terminal?.prompt("");
    await this.#session.run(words, controller.signal);
    this.#running = undefined;
  }

  #interrupt(hadText: boolean): void {
    if (this.#running !== undefined) {
      this.#lines.length = 0;
      this.#running.abort(new Error("given up; the peer may carry it out all the same"));
      return;
    }
    if (!hadText && this.#unfinished === "") this.#print(this.#options.palette.dim("Ctrl-D ends the shell"));
    this.#unfinished = "";
    this.#showPrompt();
  }

  #lost(reason: string): void {
    const { palette, commandLine } = this.#options;
    const hint = commandLine.reconnect ? "" : "; reconnect connects anew";
    this.#print(palette.error(`the connection is lost: ${printable(reason)}${hint}`));
    this.#showPrompt();
    if (commandLine.reconnect) this.#reconnectIn(FIRST_WAIT);
  }

  #reconnectIn(ms: number): void {
    this.#retry = setTimeout(() => {
      // A reconnect that was typed is not to be disturbed.
      if (this.#running !== undefined) this.#reconnectIn(ms);
      else if (!this.#peer.isConnected) void this.#reconnect(ms);
    }, ms);
  }

  async #reconnect(ms: number): Promise<void> {
    try {
      await this.#peer.connect();
      this.#print(this.#options.palette.dim("connected again"));
      void this.#peer.schema();
      this.#showPrompt();
    } catch {
      if (this.#terminal !== undefined) this.#reconnectIn(Math.min(2 * ms, LONGEST_WAIT));
    }
  }

  async #complete(line: string): Promise<[string[], string]> {
    const whole = this.#unfinished === "" ? line : `${this.#unfinished} ${line}`;
    const schema = await this.#peer.schema();
    const { candidates, replaced } = await completeLine(whole, schema, createNameLookup(this.#peer));
    return [[...candidates], replaced];
  }
}
